"""What of a conversation is read for its next turn."""

from uuid import UUID

import pytest

from chatcore.ports.turn_store import Opened
from chatcore.prompt import Exchange
from tests.contract.stores import Stores
from tests.contract.turns import (
    BEFORE_A_WORD,
    FOR_GOOD,
    IN_MID_SPEECH,
    OWNER,
    answered,
    claim,
    opened,
    opening,
)

pytestmark = pytest.mark.anyio


async def conversation_of(stores: Stores, questions: str) -> tuple[UUID, dict[str, UUID]]:
    """Return a conversation in which each letter was asked and answered, and its turns by letter."""
    turns = {}
    conversation_id = None
    for letter in questions:
        turn = await answered(stores.turns, conversation_id, question=letter, text=letter.upper())
        conversation_id = turn.conversation_id
        turns[letter] = turn.id
    assert conversation_id is not None
    return conversation_id, turns


def letters(begun: Opened) -> str:
    assert all(said.answer == said.question.upper() for said in begun.history)
    return "".join(said.question for said in begun.history)


@pytest.mark.parametrize(("window", "seen"), [(0, ""), (1, "d"), (3, "bcd"), (4, "abcd"), (9, "abcd")])
async def test_it_is_the_newest_exchanges_oldest_first(stores: Stores, window: int, seen: str) -> None:
    conversation_id, _ = await conversation_of(stores, "abcd")
    assert letters(await opened(stores.turns, conversation_id, window=window)) == seen


async def test_what_was_not_answered_is_not_in_it(stores: Stores) -> None:
    conversation_id, _ = await conversation_of(stores, "a")
    failed = await opened(stores.turns, conversation_id)
    await stores.turns.finish(failed.lease, FOR_GOOD, [])
    silent = await opened(stores.turns, conversation_id)
    await stores.turns.finish(silent.lease, BEFORE_A_WORD, [])
    dead = await opened(stores.turns, conversation_id)
    await stores.turns.checkpoint(dead.lease, "half", 4)
    await stores.let_lease_expire(OWNER, dead.lease.turn_id)
    given_back = await opened(stores.turns, conversation_id)
    await stores.turns.release(given_back.lease)
    assert letters(await opened(stores.turns, conversation_id)) == "a"


async def test_what_was_cancelled_in_mid_speech_is_in_it(stores: Stores) -> None:
    conversation_id, _ = await conversation_of(stores, "a")
    stopped = await opened(stores.turns, conversation_id, question="b")
    await stores.turns.finish(stopped.lease, IN_MID_SPEECH, [])
    begun = await opened(stores.turns, conversation_id)
    assert begun.history[-1] == Exchange("b", "An ans")
    assert len(begun.history) == 2


async def test_other_conversations_and_other_owners_are_not_in_it(stores: Stores) -> None:
    conversation_id, _ = await conversation_of(stores, "a")
    await conversation_of(stores, "b")
    await answered(stores.turns, owner="bob", conversation_id=conversation_id, new_conversation=True)
    assert letters(await opened(stores.turns, conversation_id)) == "a"


async def test_a_replaced_turn_and_all_after_it_leave_the_active_path(stores: Stores) -> None:
    conversation_id, turns = await conversation_of(stores, "abcd")
    replacement = await opened(stores.turns, conversation_id, replaces=turns["c"], question=None)
    assert letters(replacement) == "ab"
    assert replacement.question == "c"
    active = {letter: (await stores.turns.look(OWNER, id_)).active for letter, id_ in turns.items()}
    assert active == {"a": True, "b": True, "c": False, "d": False}
    recorded = await stores.turns.look(OWNER, replacement.lease.turn_id)
    assert (recorded.number, recorded.replaces, recorded.active) == (5, turns["c"], True)


async def test_after_a_replacement_the_conversation_goes_on_from_it(stores: Stores) -> None:
    conversation_id, turns = await conversation_of(stores, "abc")
    await answered(stores.turns, conversation_id, replaces=turns["b"], question="x", text="X")
    assert letters(await opened(stores.turns, conversation_id)) == "ax"


async def test_a_turn_of_an_abandoned_path_can_be_replaced_too(stores: Stores) -> None:
    conversation_id, turns = await conversation_of(stores, "abc")
    await answered(stores.turns, conversation_id, replaces=turns["b"], question="x", text="X")
    again = await opened(stores.turns, conversation_id, replaces=turns["c"], question="y")
    assert letters(again) == "a"


async def test_a_question_asked_again_keeps_its_selected_text(stores: Stores) -> None:
    first = await answered(stores.turns, question="Why?", selected_text="Because.")
    again = await opened(
        stores.turns, first.conversation_id, replaces=first.id, question=None, selected_text="ignored"
    )
    assert (again.question, again.selected_text) == ("Why?", "Because.")
    recorded = await stores.conversations.messages(
        OWNER, first.conversation_id, limit=9, before=None, replaced=False
    )
    assert [message.content for message in recorded.entries] == ["Why?"]


async def test_another_question_has_its_own_selected_text(stores: Stores) -> None:
    first = await answered(stores.turns, question="Why?", selected_text="Because.")
    other = await opened(stores.turns, first.conversation_id, replaces=first.id, question="How?")
    assert (other.question, other.selected_text) == ("How?", None)


async def test_an_earlier_turn_taken_over_sees_only_what_came_before_it(stores: Stores) -> None:
    conversation_id, _ = await conversation_of(stores, "a")
    failed = await opened(stores.turns, conversation_id, question="b")
    await stores.turns.release(failed.lease)
    await answered(stores.turns, conversation_id, question="c", text="C")
    again = await stores.turns.take_over(OWNER, failed.lease.turn_id, claim(), 5)
    assert isinstance(again, Opened)
    assert letters(again) == "a"
    assert again.question == "b"


async def test_the_window_of_a_takeover_is_kept_too(stores: Stores) -> None:
    conversation_id, _ = await conversation_of(stores, "abc")
    wish = opening(conversation_id, question="d")
    begun = await stores.turns.begin(wish)
    assert isinstance(begun, Opened)
    await stores.turns.release(begun.lease)
    again = await stores.turns.take_over(OWNER, wish.turn_id, claim(), 2)
    assert isinstance(again, Opened)
    assert letters(again) == "bc"
