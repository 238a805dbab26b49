"""Tells the log and the figures how each attempt at a turn went, and how many are under way."""

from collections.abc import Iterable, Mapping

import structlog

from chatcore.chat import Chat
from chatcore.speaker import Observe, Speaker, TurnReport
from chatcore.turn import TurnStatus
from entrypoints.metrics import Metrics, outcome_of

_LEVELS: Mapping[str, str] = {
    TurnStatus.COMPLETED: "info",
    TurnStatus.CANCELLED: "info",
    TurnStatus.FAILED: "warning",
    TurnStatus.INTERRUPTED: "warning",
    "lost": "warning",
}
"""How much each outcome matters. An error is only what nobody foresaw: a bug of ours."""


def observer(metrics: Metrics) -> Observe:
    """Return what is called with each report; the line it writes says how long and how much, never what."""
    log = structlog.get_logger()

    def observe(report: TurnReport) -> None:
        metrics.turn(report)
        outcome = outcome_of(report)
        level = "error" if report.bug is not None else _LEVELS[outcome]
        getattr(log, level)("turn", **_facts(report, outcome), exc_info=report.bug)

    return observe


def figures(speaker: Speaker, chat: Chat, capacity: int) -> Iterable[tuple[str, str, float]]:
    """Return how many turns run here, of how many that may, and how many questions wait for their conversation."""
    yield "turns_running", "Turns that run in this process", speaker.running
    yield "turns_capacity", "Turns that may run in this process at once", capacity
    yield "turns_waiting", "Questions that wait until their conversation is free", chat.waiting


def _facts(report: TurnReport, outcome: str) -> dict[str, object]:
    turn, lease, calls = report.turn, report.lease, report.calls
    return {
        "outcome": outcome,
        "failure": turn.failure.code if turn is not None and turn.failure is not None else None,
        "turn_id": str(lease.turn_id),
        "conversation_id": str(lease.conversation_id),
        "owner": lease.owner,
        "attempt": lease.attempt,
        "streamed": report.streamed,
        "history_ms": _milliseconds(report.opening),
        "model": calls[-1].model if calls else None,
        "model_calls": len(calls),
        "input_tokens": sum(call.usage.input_tokens for call in calls),
        "output_tokens": sum(call.usage.output_tokens for call in calls),
        "first_token_ms": _milliseconds(report.first_piece),
        "spoken_ms": _milliseconds(report.spoken),
        "recorded_ms": _milliseconds(report.recorded),
    }


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 1)
