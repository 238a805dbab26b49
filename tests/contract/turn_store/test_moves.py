"""Whatever is done to a turn in whatever status, it goes where the domain's table allows."""

from collections.abc import Awaitable, Callable
from uuid import UUID

import pytest

from chatcore.errors import LeaseLost
from chatcore.ports.turn_store import Lease
from chatcore.turn import MOVES, TurnStatus
from tests.contract.stores import Stores
from tests.contract.turns import (
    ANSWER,
    FOR_GOOD,
    FOR_NOW,
    GIVEN_UP,
    IN_MID_SPEECH,
    OWNER,
    claim,
    opened,
    opening,
)

pytestmark = pytest.mark.anyio
PENDING, STREAMING, COMPLETED = TurnStatus.PENDING, TurnStatus.STREAMING, TurnStatus.COMPLETED
FAILED, CANCELLED, INTERRUPTED = TurnStatus.FAILED, TurnStatus.CANCELLED, TurnStatus.INTERRUPTED
Act = Callable[[Stores, Lease], Awaitable[object]]


async def _nothing(stores: Stores, lease: Lease) -> None:
    pass


STARTS: dict[str, tuple[TurnStatus, Act]] = {
    "pending": (PENDING, _nothing),
    "streaming": (STREAMING, lambda stores, lease: stores.turns.checkpoint(lease, "half", 4)),
    "completed": (COMPLETED, lambda stores, lease: stores.turns.finish(lease, ANSWER, [])),
    "failed for now": (FAILED, lambda stores, lease: stores.turns.finish(lease, FOR_NOW, [])),
    "failed for good": (FAILED, lambda stores, lease: stores.turns.finish(lease, FOR_GOOD, [])),
    "cancelled": (CANCELLED, lambda stores, lease: stores.turns.finish(lease, IN_MID_SPEECH, [])),
    "released": (INTERRUPTED, lambda stores, lease: stores.turns.release(lease)),
    "expired": (INTERRUPTED, lambda stores, lease: stores.let_lease_expire(OWNER, lease.turn_id)),
}
LIVE = {"pending", "streaming"}
MENDABLE = {"failed for now", "released", "expired"}
ACTS: dict[str, tuple[Act, dict[str, TurnStatus]]] = {
    "checkpoint": (
        lambda stores, lease: stores.turns.checkpoint(lease, "half", 4),
        dict.fromkeys(LIVE, STREAMING),
    ),
    "complete": (lambda stores, lease: stores.turns.finish(lease, ANSWER, []), dict.fromkeys(LIVE, COMPLETED)),
    "fail": (lambda stores, lease: stores.turns.finish(lease, FOR_NOW, []), dict.fromkeys(LIVE, FAILED)),
    "stop": (
        lambda stores, lease: stores.turns.finish(lease, IN_MID_SPEECH, []),
        dict.fromkeys(LIVE, CANCELLED),
    ),
    "release": (lambda stores, lease: stores.turns.release(lease), dict.fromkeys(LIVE, INTERRUPTED)),
    "expire": (
        lambda stores, lease: stores.let_lease_expire(OWNER, lease.turn_id),
        dict.fromkeys(LIVE, INTERRUPTED),
    ),
    "take over": (
        lambda stores, lease: stores.turns.take_over(OWNER, lease.turn_id, claim(), 5),
        dict.fromkeys(MENDABLE, PENDING),
    ),
    "give up": (
        lambda stores, lease: stores.turns.give_up(OWNER, lease.turn_id, GIVEN_UP),
        dict.fromkeys(MENDABLE, FAILED),
    ),
    "cancel": (lambda stores, lease: stores.turns.cancel(OWNER, lease.turn_id), {}),
    "begin the next": (lambda stores, lease: stores.turns.begin(opening(lease.conversation_id)), {}),
}


async def status_of(stores: Stores, turn_id: UUID) -> TurnStatus:
    return (await stores.turns.look(OWNER, turn_id)).status


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("act", ACTS)
async def test_a_turn_goes_where_it_may_and_stays_where_it_may_not(
    stores: Stores, start: str, act: str
) -> None:
    lease = (await opened(stores.turns)).lease
    before, reach = STARTS[start]
    await reach(stores, lease)
    assert await status_of(stores, lease.turn_id) is before
    do, goes = ACTS[act]
    after = goes.get(start, before)
    try:
        await do(stores, lease)
    except LeaseLost:
        assert after is before
    assert await status_of(stores, lease.turn_id) is after
    assert after is before or after in MOVES[before] or (before, act) == (FAILED, "give up")


def test_every_status_is_a_start() -> None:
    assert {status for status, _ in STARTS.values()} == set(TurnStatus)


def test_every_lawful_move_is_made() -> None:
    made = {(STARTS[start][0], after) for _, goes in ACTS.values() for start, after in goes.items()}
    lawful = {(before, after) for before, all_after in MOVES.items() for after in all_after}
    assert made >= lawful
