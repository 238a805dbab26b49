"""A turn that ended badly is begun again, or given up for good."""

from uuid import uuid4

import pytest

from chatcore.errors import Failure, LeaseLost, TurnNotFound
from chatcore.events import Position
from chatcore.ports.turn_store import KeyTaken, Lease, Occupied, Opened, Outcome
from chatcore.turn import MAX_ATTEMPTS, TurnStatus
from tests.contract.stores import Stores
from tests.contract.turns import (
    ANSWER,
    FOR_GOOD,
    FOR_NOW,
    GIVEN_UP,
    IN_MID_SPEECH,
    OWNER,
    answered,
    claim,
    opened,
    taken_over,
)

pytestmark = pytest.mark.anyio


async def dead_turn(stores: Stores, **wishes: object) -> Lease:
    """Return the lease of a turn that said `half` and was not heard of again."""
    begun = await opened(stores.turns, **wishes)  # type: ignore[arg-type]  # a test may wish for anything
    await stores.turns.checkpoint(begun.lease, "half", 4)
    await stores.let_lease_expire(OWNER, begun.lease.turn_id)
    return begun.lease


async def test_an_interrupted_turn_is_begun_again(stores: Stores) -> None:
    old = await dead_turn(stores, question="Why?", selected_text="Because.")
    mine = claim(20.0)
    again = await stores.turns.take_over(OWNER, old.turn_id, mine, 5)
    assert isinstance(again, Opened)
    assert (again.question, again.selected_text, tuple(again.history)) == ("Why?", "Because.", ())
    lease = again.lease
    assert (lease.owner, lease.turn_id, lease.conversation_id) == (OWNER, old.turn_id, old.conversation_id)
    assert (lease.token, lease.attempt, lease.seconds) == (mine.token, 2, 20.0)
    assert 15 < await stores.lease_left(OWNER, old.turn_id) <= 20
    assert (await stores.turns.look(OWNER, old.turn_id)).status is TurnStatus.PENDING


async def test_what_the_last_attempt_said_is_gone(stores: Stores) -> None:
    old = await dead_turn(stores)
    lease = await taken_over(stores.turns, old)
    assert (await stores.rows(OWNER))["turn_chunk"] == 0
    assert (await stores.turns.look(OWNER, old.turn_id)).reply is None
    await stores.turns.checkpoint(lease, "new", 3)
    assert (await stores.turns.follow(OWNER, old.turn_id, Position(attempt=1, offset=4))).text == "new"
    turn = await stores.turns.finish(lease, ANSWER, [])
    assert (turn.status, turn.attempt) == (TurnStatus.COMPLETED, 2)


async def test_a_retryably_failed_turn_is_begun_again_without_its_failure(stores: Stores) -> None:
    begun = await opened(stores.turns)
    await stores.turns.finish(begun.lease, FOR_NOW, [])
    lease = await taken_over(stores.turns, begun.lease)
    assert lease.attempt == 2
    turn = await stores.turns.look(OWNER, lease.turn_id)
    assert (turn.status, turn.failure) == (TurnStatus.PENDING, None)


async def test_an_old_wish_to_cancel_does_not_stop_the_new_attempt(stores: Stores) -> None:
    begun = await opened(stores.turns)
    await stores.turns.cancel(OWNER, begun.lease.turn_id)
    await stores.turns.release(begun.lease)
    lease = await taken_over(stores.turns, begun.lease)
    assert not await stores.turns.checkpoint(lease, "", 0)


@pytest.mark.parametrize("outcome", [ANSWER, FOR_GOOD, IN_MID_SPEECH])
async def test_what_ended_for_good_is_told_and_not_begun_again(stores: Stores, outcome: Outcome) -> None:
    begun = await opened(stores.turns)
    ended = await stores.turns.finish(begun.lease, outcome, [])
    before = await stores.rows(OWNER)
    assert await stores.turns.take_over(OWNER, ended.id, claim(), 5) == KeyTaken(turn=ended)
    assert await stores.rows(OWNER) == before


async def test_a_live_turn_is_not_taken_from_whoever_answers_it(stores: Stores) -> None:
    begun = await opened(stores.turns)
    answer = await stores.turns.take_over(OWNER, begun.lease.turn_id, claim(), 5)
    assert isinstance(answer, KeyTaken)
    assert answer.turn.status is TurnStatus.PENDING
    assert not await stores.turns.checkpoint(begun.lease, "still", 5)


async def test_a_turn_whose_attempts_are_used_up_is_told_and_not_begun_again(stores: Stores) -> None:
    begun = await opened(stores.turns)
    lease = begun.lease
    for _ in range(MAX_ATTEMPTS - 1):
        await stores.turns.release(lease)
        lease = await taken_over(stores.turns, lease)
    await stores.turns.release(lease)
    answer = await stores.turns.take_over(OWNER, lease.turn_id, claim(), 5)
    assert isinstance(answer, KeyTaken)
    assert (answer.turn.status, answer.turn.attempt) == (TurnStatus.INTERRUPTED, MAX_ATTEMPTS)


async def test_another_live_turn_of_the_conversation_stands_in_the_way(stores: Stores) -> None:
    old = await dead_turn(stores)
    live = await opened(stores.turns, old.conversation_id)
    answer = await stores.turns.take_over(OWNER, old.turn_id, claim(), 5)
    assert answer == Occupied(turn=await stores.turns.look(OWNER, live.lease.turn_id))
    assert (await stores.turns.look(OWNER, old.turn_id)).reply is not None


async def test_another_dead_turn_of_the_conversation_does_not(stores: Stores) -> None:
    old = await dead_turn(stores)
    later = await dead_turn(stores, conversation_id=old.conversation_id)
    await taken_over(stores.turns, old)
    assert (await stores.turns.look(OWNER, later.turn_id)).status is TurnStatus.INTERRUPTED


async def test_the_same_claim_again_is_answered_as_before(stores: Stores) -> None:
    old = await dead_turn(stores)
    mine = claim()
    first = await stores.turns.take_over(OWNER, old.turn_id, mine, 5)
    assert isinstance(first, Opened)
    assert await stores.turns.take_over(OWNER, old.turn_id, mine, 5) == first


async def test_a_turn_of_nobody_or_of_somebody_else_is_not_found(stores: Stores) -> None:
    old = await dead_turn(stores)
    for owner, turn_id in ((OWNER, uuid4()), ("bob", old.turn_id)):
        with pytest.raises(TurnNotFound):
            await stores.turns.take_over(owner, turn_id, claim(), 5)
        with pytest.raises(TurnNotFound):
            await stores.turns.give_up(owner, turn_id, GIVEN_UP)
    assert (await stores.turns.look(OWNER, old.turn_id)).status is TurnStatus.INTERRUPTED


async def test_an_interrupted_turn_is_given_up_with_what_it_said(stores: Stores) -> None:
    old = await dead_turn(stores)
    turn = await stores.turns.give_up(OWNER, old.turn_id, GIVEN_UP)
    assert (turn.status, turn.failure, turn.reply) == (TurnStatus.FAILED, GIVEN_UP, None)
    assert (await stores.rows(OWNER))["turn_chunk"] == 0
    assert await stores.turns.look(OWNER, old.turn_id) == turn


async def test_a_retryably_failed_turn_is_given_up(stores: Stores) -> None:
    begun = await opened(stores.turns)
    await stores.turns.finish(begun.lease, FOR_NOW, [])
    turn = await stores.turns.give_up(OWNER, begun.lease.turn_id, GIVEN_UP)
    assert (turn.status, turn.failure) == (TurnStatus.FAILED, GIVEN_UP)
    assert isinstance(await stores.turns.take_over(OWNER, turn.id, claim(), 5), KeyTaken)


async def test_giving_up_again_changes_nothing(stores: Stores) -> None:
    old = await dead_turn(stores)
    first = await stores.turns.give_up(OWNER, old.turn_id, GIVEN_UP)
    other = Failure(code="model-failed", retryable=False)
    assert await stores.turns.give_up(OWNER, old.turn_id, other) == first


async def test_what_is_live_or_has_ended_is_not_given_up(stores: Stores) -> None:
    done = await answered(stores.turns)
    assert await stores.turns.give_up(OWNER, done.id, GIVEN_UP) == done
    live = await opened(stores.turns)
    assert (await stores.turns.give_up(OWNER, live.lease.turn_id, GIVEN_UP)).status is TurnStatus.PENDING
    assert not await stores.turns.checkpoint(live.lease, "still", 5)


async def test_whoever_answered_a_turn_that_was_given_up_cannot_write_any_more(stores: Stores) -> None:
    old = await dead_turn(stores)
    await stores.turns.give_up(OWNER, old.turn_id, GIVEN_UP)
    with pytest.raises(LeaseLost):
        await stores.turns.finish(old, ANSWER, [])
    with pytest.raises(LeaseLost):
        await stores.turns.release(old)


async def test_whoever_failed_at_a_turn_that_was_given_up_cannot_write_any_more(stores: Stores) -> None:
    old = (await opened(stores.turns)).lease
    await stores.turns.finish(old, FOR_NOW, [])
    await stores.turns.give_up(OWNER, old.turn_id, GIVEN_UP)
    with pytest.raises(LeaseLost):
        await stores.turns.finish(old, FOR_NOW, [])


async def test_a_turn_that_nobody_took_over_is_free_for_its_conversation(stores: Stores) -> None:
    old = await dead_turn(stores)
    await stores.turns.give_up(OWNER, old.turn_id, GIVEN_UP)
    assert isinstance(await opened(stores.turns, old.conversation_id), Opened)
