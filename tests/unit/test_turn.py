"""The turn's state machine and the decision about a repeated request, exhaustively."""

from datetime import UTC, datetime
from itertools import product
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatcore.errors import AttemptsExhausted, Failure, ModelFailed, ModelRefused
from chatcore.turn import (
    MAX_ATTEMPTS,
    MOVES,
    Decision,
    IllegalMove,
    Turn,
    TurnStatus,
    decide,
    fingerprint,
    moved,
)

LAWFUL = {
    ("pending", "streaming"),
    ("pending", "completed"),
    ("pending", "failed"),
    ("pending", "cancelled"),
    ("pending", "interrupted"),
    ("streaming", "completed"),
    ("streaming", "failed"),
    ("streaming", "cancelled"),
    ("streaming", "interrupted"),
    ("failed", "pending"),
    ("interrupted", "pending"),
    ("interrupted", "failed"),
}


def turn(status: TurnStatus, *, failure: Failure | None = None, attempt: int = 1) -> Turn:
    return Turn(
        id=UUID(int=1),
        conversation_id=UUID(int=2),
        number=1,
        status=status,
        attempt=attempt,
        fingerprint=b"same",
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        failure=failure,
    )


@pytest.mark.parametrize(("before", "after"), list(product(TurnStatus, TurnStatus)))
def test_a_turn_moves_as_the_table_says_and_nowhere_else(before: TurnStatus, after: TurnStatus) -> None:
    if (before.value, after.value) in LAWFUL:
        assert moved(before, after) is after
    else:
        with pytest.raises(IllegalMove, match=before):
            moved(before, after)


def test_every_status_has_its_moves() -> None:
    assert set(MOVES) == set(TurnStatus)


def test_only_pending_and_streaming_are_live() -> None:
    assert {status for status in TurnStatus if status.live} == {TurnStatus.PENDING, TurnStatus.STREAMING}


RETRYABLE = Failure.of(ModelFailed())
FINAL = Failure.of(ModelRefused())


@pytest.mark.parametrize(
    ("known", "decision"),
    [
        (turn(TurnStatus.PENDING), Decision.ATTACH),
        (turn(TurnStatus.STREAMING), Decision.ATTACH),
        (turn(TurnStatus.COMPLETED), Decision.REPLAY),
        (turn(TurnStatus.CANCELLED), Decision.REPLAY),
        (turn(TurnStatus.FAILED, failure=FINAL), Decision.REPLAY),
        (turn(TurnStatus.FAILED, failure=RETRYABLE), Decision.TAKE_OVER),
        (turn(TurnStatus.INTERRUPTED), Decision.TAKE_OVER),
        (turn(TurnStatus.INTERRUPTED, attempt=MAX_ATTEMPTS - 1), Decision.TAKE_OVER),
        (turn(TurnStatus.INTERRUPTED, attempt=MAX_ATTEMPTS), Decision.GIVE_UP),
        (turn(TurnStatus.FAILED, failure=RETRYABLE, attempt=MAX_ATTEMPTS), Decision.GIVE_UP),
        (turn(TurnStatus.FAILED, failure=Failure.of(AttemptsExhausted())), Decision.REPLAY),
    ],
)
def test_a_repeated_request_is_decided_by_what_the_turn_is(known: Turn, decision: Decision) -> None:
    assert decide(known, b"same") is decision


@pytest.mark.parametrize("status", TurnStatus)
def test_another_request_under_the_key_is_refused_whatever_the_turn_is(status: TurnStatus) -> None:
    assert decide(turn(status, failure=RETRYABLE), b"other") is Decision.REFUSE


def test_the_fingerprint_does_not_depend_on_the_order_of_the_parts() -> None:
    assert fingerprint(a="1", b="2") == fingerprint(b="2", a="1")


@given(
    st.dictionaries(st.sampled_from("abc"), st.text() | st.none()),
    st.dictionaries(st.sampled_from("abc"), st.text() | st.none()),
)
def test_requests_have_the_same_fingerprint_only_if_they_are_the_same(
    one: dict[str, str | None], other: dict[str, str | None]
) -> None:
    assert (fingerprint(**one) == fingerprint(**other)) == (one == other)
