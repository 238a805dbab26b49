"""Each attempt at a turn becomes one line and some figures."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest
from structlog.testing import capture_logs

from chatcore.conversation import Message, Role
from chatcore.errors import Failure, ModelTimedOut
from chatcore.ports.language_model import ModelCall
from chatcore.ports.turn_store import Lease
from chatcore.speaker import TurnReport
from chatcore.turn import Turn, TurnStatus, Usage
from entrypoints.metrics import Metrics
from entrypoints.observing import observer

HUSH = "hush-hush"


def report(status: TurnStatus | None, *, bug: Exception | None = None, calls: int = 1) -> TurnReport:
    lease = Lease(owner="ada", turn_id=uuid4(), conversation_id=uuid4(), token=uuid4(), attempt=2, seconds=30)
    reply = Message(
        id=uuid4(), turn_id=lease.turn_id, role=Role.ASSISTANT, content=HUSH, created_at=datetime.now(UTC)
    )
    turn = None
    if status is not None:
        turn = Turn(
            id=lease.turn_id,
            conversation_id=lease.conversation_id,
            number=1,
            status=status,
            attempt=2,
            fingerprint=None,
            created_at=datetime.now(UTC),
            reply=reply,
            failure=Failure.of(ModelTimedOut()) if status is TurnStatus.FAILED else None,
        )
    call = ModelCall(
        model="parrot",
        usage=Usage(input_tokens=10, output_tokens=5),
        outcome="ok",
        seconds=1.5,
        first_token_seconds=0.5,
    )
    return TurnReport(
        lease=lease,
        streamed=True,
        began_at=0,
        turn=turn,
        calls=[call] * calls,
        first_piece=0.25,
        spoken=1.5,
        recorded=1.75,
        opening=0.004,
        bug=bug,
    )


@pytest.mark.parametrize(
    ("status", "level"),
    [
        (TurnStatus.COMPLETED, "info"),
        (TurnStatus.CANCELLED, "info"),
        (TurnStatus.FAILED, "warning"),
        (TurnStatus.INTERRUPTED, "warning"),
        (None, "warning"),
    ],
)
def test_an_outcome_has_its_level(status: TurnStatus | None, level: str) -> None:
    with capture_logs() as lines:
        observer(Metrics())(report(status))
    (line,) = lines
    assert (line["event"], line["log_level"]) == ("turn", level)
    assert line["outcome"] == (status or "lost")
    assert line["failure"] == ("model-timed-out" if status is TurnStatus.FAILED else None)


def test_what_nobody_foresaw_is_an_error() -> None:
    with capture_logs() as lines:
        observer(Metrics())(report(TurnStatus.FAILED, bug=ValueError(HUSH)))
    assert lines[0]["log_level"] == "error"


def test_the_line_says_how_long_and_how_much_and_never_what() -> None:
    with capture_logs() as lines:
        observer(Metrics())(report(TurnStatus.COMPLETED, calls=2))
    line = lines[0]
    assert (line["model"], line["model_calls"], line["attempt"], line["owner"]) == ("parrot", 2, 2, "ada")
    assert (line["input_tokens"], line["output_tokens"]) == (20, 10)
    assert (line["first_token_ms"], line["spoken_ms"], line["recorded_ms"]) == (250, 1500, 1750)
    assert line["history_ms"] == 4
    assert HUSH not in str(line)


def test_the_figures_count_what_happened() -> None:
    metrics = Metrics()
    with capture_logs():
        observer(metrics)(report(TurnStatus.COMPLETED, calls=2))
        observer(metrics)(report(None))
        observer(metrics)(report(None, bug=ValueError(), calls=0))
    figures = metrics.exposition().decode().splitlines()
    for figure in (
        'chatcore_turns_total{outcome="completed"} 1.0',
        'chatcore_turns_total{outcome="lost"} 2.0',
        "chatcore_leases_lost_total 1.0",
        "chatcore_model_retries_total 1.0",
        'chatcore_model_calls_total{model="parrot",outcome="ok"} 3.0',
        'chatcore_tokens_total{direction="input"} 30.0',
        'chatcore_tokens_total{direction="output"} 15.0',
        "chatcore_first_token_seconds_count 3.0",
        "chatcore_token_seconds_sum 0.75",
        'chatcore_history_load_seconds_bucket{le="0.005"} 3.0',
    ):
        assert figure in figures


def test_requests_streams_and_readings_are_figures_too() -> None:
    metrics = Metrics()
    metrics.request("GET", "/chat", 200, 0.01)
    metrics.request("GET", "/chat", 200, 0.01)
    metrics.stream_opened()
    metrics.stream_opened()
    metrics.stream_closed()
    metrics.watch(lambda: [("pool_waiting", "Calls that wait", 3), ("waits_total", "Calls that waited", 5)])
    figures = metrics.exposition().decode().splitlines()
    assert 'chatcore_requests_total{method="GET",route="/chat",status="200"} 2.0' in figures
    assert "chatcore_streams_open 1.0" in figures
    assert "chatcore_pool_waiting 3.0" in figures
    assert "# TYPE chatcore_pool_waiting gauge" in figures
    assert "chatcore_waits_total 5.0" in figures
    assert "# TYPE chatcore_waits_total counter" in figures
