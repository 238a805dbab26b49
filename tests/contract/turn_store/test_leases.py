"""Whoever holds the lease writes, and nobody else."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from uuid import uuid4

import pytest

from chatcore.errors import LeaseLost
from chatcore.events import Position
from chatcore.ports.turn_store import Lease, Opened
from chatcore.turn import TurnStatus
from tests.contract.stores import Stores
from tests.contract.turns import (
    ANSWER,
    FOR_NOW,
    GIVEN_UP,
    IN_MID_SPEECH,
    OWNER,
    answered,
    opened,
    taken_over,
)

pytestmark = pytest.mark.anyio
BEGINNING = Position(attempt=1, offset=0)


async def test_a_checkpoint_keeps_the_next_piece(stores: Stores) -> None:
    lease = (await opened(stores.turns)).lease
    assert not await stores.turns.checkpoint(lease, "One ", 4)
    assert not await stores.turns.checkpoint(lease, "two", 7)
    progress = await stores.turns.follow(OWNER, lease.turn_id, BEGINNING)
    assert (progress.text, progress.turn.status) == ("One two", TurnStatus.STREAMING)


async def test_a_checkpoint_renews_the_lease(stores: Stores) -> None:
    lease = (await opened(stores.turns)).lease
    await stores.turns.checkpoint(replace(lease, seconds=90.0), "One", 3)
    assert 85 < await stores.lease_left(OWNER, lease.turn_id) <= 90


async def test_an_empty_checkpoint_only_renews(stores: Stores) -> None:
    lease = (await opened(stores.turns)).lease
    await stores.turns.checkpoint(replace(lease, seconds=90.0), "", 0)
    assert 85 < await stores.lease_left(OWNER, lease.turn_id) <= 90
    assert (await stores.turns.look(OWNER, lease.turn_id)).status is TurnStatus.PENDING
    assert (await stores.rows(OWNER))["turn_chunk"] == 0


async def test_an_empty_checkpoint_after_the_first_words_leaves_the_turn_streaming(stores: Stores) -> None:
    lease = (await opened(stores.turns)).lease
    await stores.turns.checkpoint(lease, "One", 3)
    await stores.turns.checkpoint(lease, "", 3)
    assert (await stores.turns.look(OWNER, lease.turn_id)).status is TurnStatus.STREAMING


async def test_the_same_checkpoint_again_keeps_its_piece_once(stores: Stores) -> None:
    lease = (await opened(stores.turns)).lease
    await stores.turns.checkpoint(lease, "One ", 4)
    await stores.turns.checkpoint(lease, "One ", 4)
    await stores.turns.checkpoint(lease, "two", 7)
    assert (await stores.turns.follow(OWNER, lease.turn_id, BEGINNING)).text == "One two"


async def test_a_checkpoint_brings_the_wish_to_cancel(stores: Stores) -> None:
    lease = (await opened(stores.turns)).lease
    await stores.turns.cancel(OWNER, lease.turn_id)
    assert await stores.turns.checkpoint(lease, "One", 3)
    assert await stores.turns.checkpoint(lease, "", 3)


async def test_a_released_turn_is_interrupted_at_once(stores: Stores) -> None:
    lease = (await opened(stores.turns)).lease
    await stores.turns.checkpoint(lease, "half", 4)
    await stores.turns.release(lease)
    turn = await stores.turns.look(OWNER, lease.turn_id)
    assert turn.status is TurnStatus.INTERRUPTED
    assert turn.reply is not None
    assert turn.reply.content == "half"
    assert isinstance(await opened(stores.turns, lease.conversation_id), Opened)


async def test_a_turn_may_be_released_twice(stores: Stores) -> None:
    lease = (await opened(stores.turns)).lease
    await stores.turns.release(lease)
    first = await stores.turns.look(OWNER, lease.turn_id)
    await stores.turns.release(lease)
    assert await stores.turns.look(OWNER, lease.turn_id) == first


async def _expired(stores: Stores, lease: Lease) -> None:
    await stores.let_lease_expire(OWNER, lease.turn_id)


async def _taken_over(stores: Stores, lease: Lease) -> None:
    await stores.let_lease_expire(OWNER, lease.turn_id)
    await taken_over(stores.turns, lease)


async def _taken_over_and_completed(stores: Stores, lease: Lease) -> None:
    await stores.let_lease_expire(OWNER, lease.turn_id)
    await stores.turns.finish(await taken_over(stores.turns, lease), ANSWER, [])


async def _passed_by_the_next_turn(stores: Stores, lease: Lease) -> None:
    await stores.let_lease_expire(OWNER, lease.turn_id)
    await opened(stores.turns, lease.conversation_id)


async def _given_up(stores: Stores, lease: Lease) -> None:
    await stores.let_lease_expire(OWNER, lease.turn_id)
    await stores.turns.give_up(OWNER, lease.turn_id, GIVEN_UP)


async def _deleted(stores: Stores, lease: Lease) -> None:
    await stores.conversations.delete(OWNER, lease.conversation_id)


Loss = Callable[[Stores, Lease], Awaitable[None]]
LOSSES: dict[str, Loss] = {
    "it ran out": _expired,
    "the turn was taken over": _taken_over,
    "the turn was taken over and completed": _taken_over_and_completed,
    "the next turn passed by": _passed_by_the_next_turn,
    "the turn was given up": _given_up,
    "the conversation was deleted": _deleted,
}


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES.keys())
async def test_a_lost_lease_writes_nothing(stores: Stores, loss: Loss) -> None:
    lease = (await opened(stores.turns)).lease
    await stores.turns.checkpoint(lease, "half", 4)
    await loss(stores, lease)
    before = await stores.rows(OWNER)
    with pytest.raises(LeaseLost):
        await stores.turns.checkpoint(lease, " and more", 13)
    for outcome in (ANSWER, IN_MID_SPEECH, FOR_NOW):
        with pytest.raises(LeaseLost):
            await stores.turns.finish(lease, outcome, [])
    with pytest.raises(LeaseLost):
        await stores.turns.release(lease)
    assert await stores.rows(OWNER) == before


async def test_a_released_lease_writes_nothing(stores: Stores) -> None:
    lease = (await opened(stores.turns)).lease
    await stores.turns.release(lease)
    with pytest.raises(LeaseLost):
        await stores.turns.checkpoint(lease, "more", 4)
    with pytest.raises(LeaseLost):
        await stores.turns.finish(lease, ANSWER, [])
    assert (await stores.turns.look(OWNER, lease.turn_id)).status is TurnStatus.INTERRUPTED


async def test_a_turn_that_ended_takes_no_more_pieces(stores: Stores) -> None:
    lease = (await opened(stores.turns)).lease
    done = await stores.turns.finish(lease, ANSWER, [])
    with pytest.raises(LeaseLost):
        await stores.turns.checkpoint(lease, "more", 4)
    with pytest.raises(LeaseLost):
        await stores.turns.release(lease)
    assert await stores.turns.look(OWNER, lease.turn_id) == done


@pytest.mark.parametrize("forgery", [{"token": uuid4()}, {"owner": "bob"}, {"turn_id": uuid4()}])
async def test_a_forged_lease_writes_nothing(stores: Stores, forgery: dict[str, object]) -> None:
    lease = (await opened(stores.turns)).lease
    await answered(stores.turns, owner="bob")
    forged = replace(lease, **forgery)  # type: ignore[arg-type]  # any field may be forged
    before = await stores.rows(OWNER)
    with pytest.raises(LeaseLost):
        await stores.turns.checkpoint(forged, "evil", 4)
    with pytest.raises(LeaseLost):
        await stores.turns.finish(forged, ANSWER, [])
    with pytest.raises(LeaseLost):
        await stores.turns.release(forged)
    assert await stores.rows(OWNER) == before
    assert (await stores.turns.look(OWNER, lease.turn_id)).status is TurnStatus.PENDING


async def test_a_turn_is_live_while_its_lease_is_renewed(stores: Stores) -> None:
    lease = (await opened(stores.turns)).lease
    await stores.turns.checkpoint(replace(lease, seconds=0.0), "", 0)
    await stores.let_lease_expire(OWNER, lease.turn_id)
    assert (await stores.turns.look(OWNER, lease.turn_id)).status is TurnStatus.INTERRUPTED
    other = (await opened(stores.turns, lease.conversation_id)).lease
    assert (await stores.turns.look(OWNER, other.turn_id)).status is TurnStatus.PENDING
