"""What is told of a turn, and how it is wished cancelled."""

from uuid import uuid4

import pytest

from chatcore.conversation import Role
from chatcore.errors import TurnNotFound
from chatcore.events import Position
from chatcore.ports.turn_store import Outcome
from chatcore.turn import TurnStatus
from tests.contract.stores import Stores
from tests.contract.turns import ANSWER, FOR_NOW, IN_MID_SPEECH, OWNER, answered, opened, taken_over

pytestmark = pytest.mark.anyio


def at(offset: int, attempt: int = 1) -> Position:
    return Position(attempt=attempt, offset=offset)


async def test_a_turn_of_nobody_or_of_somebody_else_is_not_found(stores: Stores) -> None:
    done = await answered(stores.turns)
    for owner, turn_id in ((OWNER, uuid4()), ("bob", done.id)):
        with pytest.raises(TurnNotFound):
            await stores.turns.look(owner, turn_id)
        with pytest.raises(TurnNotFound):
            await stores.turns.follow(owner, turn_id, at(0))
        with pytest.raises(TurnNotFound):
            await stores.turns.cancel(owner, turn_id)


async def test_a_turn_whose_lease_ran_out_is_interrupted_and_keeps_what_it_said(stores: Stores) -> None:
    lease = (await opened(stores.turns, reply_id=(reply_id := uuid4()))).lease
    await stores.turns.checkpoint(lease, "As far ", 7)
    await stores.turns.checkpoint(lease, "as this", 14)
    assert (await stores.turns.look(OWNER, lease.turn_id)).reply is None
    await stores.let_lease_expire(OWNER, lease.turn_id)
    turn = await stores.turns.look(OWNER, lease.turn_id)
    assert (turn.status, turn.usage, turn.failure) == (TurnStatus.INTERRUPTED, None, None)
    assert turn.reply is not None
    assert (turn.reply.id, turn.reply.turn_id, turn.reply.role) == (reply_id, turn.id, Role.ASSISTANT)
    assert (turn.reply.content, turn.reply.created_at) == ("As far as this", turn.created_at)


async def test_an_interrupted_turn_that_said_nothing_has_no_reply(stores: Stores) -> None:
    lease = (await opened(stores.turns)).lease
    await stores.let_lease_expire(OWNER, lease.turn_id)
    turn = await stores.turns.look(OWNER, lease.turn_id)
    assert (turn.status, turn.reply) == (TurnStatus.INTERRUPTED, None)


async def test_it_makes_no_difference_whether_somebody_wrote_the_interruption_down(stores: Stores) -> None:
    lease = (await opened(stores.turns)).lease
    await stores.turns.checkpoint(lease, "half", 4)
    await stores.let_lease_expire(OWNER, lease.turn_id)
    before = await stores.turns.look(OWNER, lease.turn_id)
    await opened(stores.turns, lease.conversation_id)
    assert await stores.turns.look(OWNER, lease.turn_id) == before


@pytest.mark.parametrize(
    ("offset", "rest"), [(0, "One two"), (3, " two"), (4, "two"), (6, "o"), (7, ""), (99, "")]
)
async def test_a_follower_is_told_what_was_said_after_its_position(
    stores: Stores, offset: int, rest: str
) -> None:
    lease = (await opened(stores.turns)).lease
    await stores.turns.checkpoint(lease, "One ", 4)
    await stores.turns.checkpoint(lease, "two", 7)
    progress = await stores.turns.follow(OWNER, lease.turn_id, at(offset))
    assert (progress.text, progress.turn.status) == (rest, TurnStatus.STREAMING)


async def test_a_follower_of_a_turn_that_has_not_spoken_is_told_nothing(stores: Stores) -> None:
    lease = (await opened(stores.turns)).lease
    progress = await stores.turns.follow(OWNER, lease.turn_id, at(0))
    assert (progress.text, progress.turn.status) == ("", TurnStatus.PENDING)


async def test_a_follower_of_an_earlier_attempt_is_told_all_of_the_current_one(stores: Stores) -> None:
    lease = (await opened(stores.turns)).lease
    await stores.turns.checkpoint(lease, "first try", 9)
    await stores.turns.release(lease)
    again = await taken_over(stores.turns, lease)
    await stores.turns.checkpoint(again, "second", 6)
    progress = await stores.turns.follow(OWNER, lease.turn_id, at(9, attempt=1))
    assert (progress.text, progress.turn.attempt) == ("second", 2)
    assert (await stores.turns.follow(OWNER, lease.turn_id, at(3, attempt=2))).text == "ond"


async def test_a_foolish_position_is_no_fault(stores: Stores) -> None:
    lease = (await opened(stores.turns)).lease
    await stores.turns.checkpoint(lease, "One", 3)
    assert (await stores.turns.follow(OWNER, lease.turn_id, at(2**70, attempt=2**70))).text == "One"
    assert (await stores.turns.follow(OWNER, lease.turn_id, at(2**70))).text == ""


@pytest.mark.parametrize("outcome", [ANSWER, FOR_NOW, IN_MID_SPEECH])
async def test_a_follower_of_a_turn_that_ended_is_told_how(stores: Stores, outcome: Outcome) -> None:
    lease = (await opened(stores.turns)).lease
    await stores.turns.checkpoint(lease, "An ", 3)
    ended = await stores.turns.finish(lease, outcome, [])
    progress = await stores.turns.follow(OWNER, lease.turn_id, at(0))
    assert (progress.text, progress.turn) == ("", ended)


async def test_a_follower_of_an_interrupted_turn_is_told_by_its_reply(stores: Stores) -> None:
    lease = (await opened(stores.turns)).lease
    await stores.turns.checkpoint(lease, "half", 4)
    await stores.let_lease_expire(OWNER, lease.turn_id)
    progress = await stores.turns.follow(OWNER, lease.turn_id, at(0))
    assert (progress.text, progress.turn) == ("", await stores.turns.look(OWNER, lease.turn_id))


async def test_offsets_count_characters_and_not_bytes(stores: Stores) -> None:
    lease = (await opened(stores.turns)).lease
    await stores.turns.checkpoint(lease, "a🤖é", 3)
    await stores.turns.checkpoint(lease, "漢字", 5)
    assert (await stores.turns.follow(OWNER, lease.turn_id, at(1))).text == "🤖é漢字"
    assert (await stores.turns.follow(OWNER, lease.turn_id, at(4))).text == "字"


async def test_to_wish_a_live_turn_cancelled_does_not_end_it(stores: Stores) -> None:
    lease = (await opened(stores.turns)).lease
    turn = await stores.turns.cancel(OWNER, lease.turn_id)
    assert turn.status is TurnStatus.PENDING
    assert await stores.turns.cancel(OWNER, lease.turn_id) == turn
    assert (await stores.turns.finish(lease, IN_MID_SPEECH, [])).status is TurnStatus.CANCELLED


async def test_a_wish_that_comes_too_late_changes_nothing(stores: Stores) -> None:
    lease = (await opened(stores.turns)).lease
    await stores.turns.cancel(OWNER, lease.turn_id)
    done = await stores.turns.finish(lease, ANSWER, [])
    assert await stores.turns.cancel(OWNER, lease.turn_id) == done


@pytest.mark.parametrize("outcome", [ANSWER, FOR_NOW, IN_MID_SPEECH])
async def test_a_turn_that_ended_cannot_be_cancelled(stores: Stores, outcome: Outcome) -> None:
    lease = (await opened(stores.turns)).lease
    ended = await stores.turns.finish(lease, outcome, [])
    assert await stores.turns.cancel(OWNER, lease.turn_id) == ended


async def test_an_interrupted_turn_cannot_be_cancelled(stores: Stores) -> None:
    lease = (await opened(stores.turns)).lease
    await stores.let_lease_expire(OWNER, lease.turn_id)
    assert (await stores.turns.cancel(OWNER, lease.turn_id)).status is TurnStatus.INTERRUPTED
    again = await taken_over(stores.turns, lease)
    assert not await stores.turns.checkpoint(again, "", 0)
