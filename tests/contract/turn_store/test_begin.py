"""A question is recorded, or nothing is."""

from uuid import uuid4

import pytest

from chatcore.errors import ConversationNotFound, TurnNotFound
from chatcore.ports.turn_store import KeyTaken, Occupied, Opened
from chatcore.turn import TurnStatus
from tests.contract.stores import Stores
from tests.contract.turns import ANSWER, FOR_NOW, OWNER, answered, claim, opened, opening

pytestmark = pytest.mark.anyio
NOTHING = {"conversation": 0, "turn": 0, "message": 0, "turn_chunk": 0, "model_call": 0}


async def test_a_question_in_a_new_conversation_is_ours_to_answer(stores: Stores) -> None:
    wish = opening(question="Why?", selected_text="Because.", title="On causes")
    begun = await stores.turns.begin(wish)
    assert isinstance(begun, Opened)
    assert (begun.question, begun.selected_text, tuple(begun.history)) == ("Why?", "Because.", ())
    lease = begun.lease
    assert (lease.owner, lease.turn_id, lease.conversation_id) == (OWNER, wish.turn_id, wish.conversation_id)
    assert (lease.token, lease.attempt, lease.seconds) == (wish.claim.token, 1, 30.0)
    assert 25 < await stores.lease_left(OWNER, wish.turn_id) <= 30
    conversation = await stores.conversations.find(OWNER, wish.conversation_id)
    assert conversation.title == "On causes"


async def test_the_recorded_turn_is_pending_and_active(stores: Stores) -> None:
    wish = opening(fingerprint=b"p" * 32)
    await stores.turns.begin(wish)
    turn = await stores.turns.look(OWNER, wish.turn_id)
    assert (turn.id, turn.conversation_id, turn.number) == (wish.turn_id, wish.conversation_id, 1)
    assert (turn.status, turn.attempt, turn.fingerprint) == (TurnStatus.PENDING, 1, b"p" * 32)
    assert (turn.reply, turn.usage, turn.failure, turn.replaces, turn.active) == (None, None, None, None, True)


async def test_a_conversation_that_does_not_exist_is_not_opened_unasked(stores: Stores) -> None:
    with pytest.raises(ConversationNotFound):
        await stores.turns.begin(opening(uuid4()))
    assert await stores.rows(OWNER) == NOTHING


async def test_a_conversation_that_exists_already_is_continued_under_its_title(stores: Stores) -> None:
    first = await answered(stores.turns, title="The first title")
    again = opening(conversation_id=first.conversation_id, title="Another title")
    second = await stores.turns.begin(opening(first.conversation_id, new_conversation=True, title=again.title))
    assert isinstance(second, Opened)
    assert len(second.history) == 1
    assert (await stores.conversations.find(OWNER, first.conversation_id)).title == "The first title"


@pytest.mark.parametrize("elsewhere", [False, True])
async def test_a_taken_key_is_told_and_nothing_is_written(stores: Stores, *, elsewhere: bool) -> None:
    first = await answered(stores.turns, key="k", fingerprint=b"1" * 32)
    before = await stores.rows(OWNER)
    answer = await stores.turns.begin(opening(None if elsewhere else first.conversation_id, key="k"))
    assert answer == KeyTaken(turn=first)
    assert await stores.rows(OWNER) == before


async def test_a_taken_key_is_told_before_an_occupied_conversation(stores: Stores) -> None:
    first = await answered(stores.turns, key="k")
    await opened(stores.turns, first.conversation_id)
    assert await stores.turns.begin(opening(first.conversation_id, key="k")) == KeyTaken(turn=first)


async def test_a_live_turn_occupies_its_conversation_and_nothing_is_written(stores: Stores) -> None:
    live = await opened(stores.turns)
    before = await stores.rows(OWNER)
    answer = await stores.turns.begin(opening(live.lease.conversation_id, key="other"))
    assert answer == Occupied(turn=await stores.turns.look(OWNER, live.lease.turn_id))
    assert await stores.rows(OWNER) == before


async def test_a_live_turn_leaves_other_conversations_free(stores: Stores) -> None:
    await opened(stores.turns)
    await opened(stores.turns)
    assert (await stores.rows(OWNER))["turn"] == 2


@pytest.mark.parametrize("key", [None, "k"])
async def test_the_same_claim_again_is_answered_as_before(stores: Stores, key: str | None) -> None:
    earlier = await answered(stores.turns, text="Earlier")
    wish = opening(earlier.conversation_id, key=key, selected_text="this")
    first = await stores.turns.begin(wish)
    before = await stores.rows(OWNER)
    assert isinstance(first, Opened)
    assert await stores.turns.begin(wish) == first
    assert await stores.rows(OWNER) == before


@pytest.mark.parametrize("question", [None, "Another question"])
async def test_the_same_claim_of_a_replacement_again_is_answered_as_before(
    stores: Stores, question: str | None
) -> None:
    earlier = await answered(stores.turns)
    old = await answered(stores.turns, earlier.conversation_id, selected_text="this")
    wish = opening(old.conversation_id, replaces=old.id, question=question)
    assert await stores.turns.begin(wish) == await stores.turns.begin(wish)


async def test_the_same_turn_under_another_claim_is_not_begun_again(stores: Stores) -> None:
    live = await opened(stores.turns)
    again = opening(live.lease.conversation_id, turn_id=live.lease.turn_id)
    assert await stores.turns.begin(again) == KeyTaken(turn=await stores.turns.look(OWNER, live.lease.turn_id))


@pytest.mark.parametrize("key", [None, "k"])
async def test_a_claim_whose_turn_was_interrupted_meanwhile_is_told_so(stores: Stores, key: str | None) -> None:
    wish = opening(key=key)
    await stores.turns.begin(wish)
    await stores.let_lease_expire(OWNER, wish.turn_id)
    answer = await stores.turns.begin(wish)
    assert isinstance(answer, KeyTaken)
    assert answer.turn.status is TurnStatus.INTERRUPTED


async def test_a_dead_turn_does_not_occupy_its_conversation(stores: Stores) -> None:
    dead = await opened(stores.turns)
    await stores.turns.checkpoint(dead.lease, "As far as", 9)
    await stores.let_lease_expire(OWNER, dead.lease.turn_id)
    begun = await opened(stores.turns, dead.lease.conversation_id)
    assert tuple(begun.history) == ()
    turn = await stores.turns.look(OWNER, dead.lease.turn_id)
    assert turn.status is TurnStatus.INTERRUPTED
    assert turn.reply is not None
    assert turn.reply.content == "As far as"
    assert (await stores.turns.look(OWNER, begun.lease.turn_id)).number == 2


async def test_a_turn_to_be_replaced_must_exist(stores: Stores) -> None:
    here = await answered(stores.turns)
    elsewhere = await answered(stores.turns)
    theirs = await answered(stores.turns, owner="bob")
    before = await stores.rows(OWNER)
    for turn_id in (uuid4(), elsewhere.id, theirs.id):
        with pytest.raises(TurnNotFound):
            await stores.turns.begin(opening(here.conversation_id, replaces=turn_id, question=None))
    with pytest.raises(TurnNotFound):
        await stores.turns.begin(opening(replaces=uuid4(), question=None))
    assert await stores.rows(OWNER) == before
    assert (await stores.turns.look(OWNER, here.id)).active


async def test_a_live_turn_cannot_be_replaced(stores: Stores) -> None:
    live = await opened(stores.turns)
    answer = await stores.turns.begin(opening(live.lease.conversation_id, replaces=live.lease.turn_id))
    assert isinstance(answer, Occupied)
    assert (await stores.turns.look(OWNER, live.lease.turn_id)).active


async def test_a_key_lives_as_long_as_its_turn(stores: Stores) -> None:
    first = await answered(stores.turns, key="k")
    await answered(stores.turns, first.conversation_id, replaces=first.id, question=None)
    answer = await stores.turns.begin(opening(key="k"))
    assert isinstance(answer, KeyTaken)
    assert (answer.turn.id, answer.turn.active) == (first.id, False)
    await stores.conversations.delete(OWNER, first.conversation_id)
    await opened(stores.turns, key="k")


async def test_turns_are_numbered_whatever_became_of_them(stores: Stores) -> None:
    first = await opened(stores.turns)
    await stores.turns.finish(first.lease, FOR_NOW, [])
    second = await opened(stores.turns, first.lease.conversation_id, claim=claim(20))
    await stores.turns.finish(second.lease, ANSWER, [])
    third = await answered(stores.turns, first.lease.conversation_id, replaces=first.lease.turn_id)
    assert third.number == 3
