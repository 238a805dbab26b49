"""Messages are read newest page first, ascending inside."""

from uuid import UUID

import pytest

from chatcore.conversation import Role
from tests.contract.stores import Stores
from tests.contract.turns import BEFORE_A_WORD, FOR_NOW, IN_MID_SPEECH, OWNER, answered, opened, opening

pytestmark = pytest.mark.anyio


async def spoken(stores: Stores, letters: str) -> tuple[UUID, dict[str, UUID]]:
    """Return a conversation in which each letter was asked and answered, and its turns by letter."""
    turns, conversation_id = {}, None
    for letter in letters:
        turn = await answered(stores.turns, conversation_id, question=letter, text=letter.upper())
        conversation_id, turns[letter] = turn.conversation_id, turn.id
    assert conversation_id is not None
    return conversation_id, turns


async def walked(stores: Stores, conversation_id: UUID, limit: int, *, replaced: bool = False) -> list[str]:
    """Return the contents of all pages, the newest page first."""
    pages: list[str] = []
    before: int | None = None
    while True:
        page = await stores.conversations.messages(
            OWNER, conversation_id, limit=limit, before=before, replaced=replaced
        )
        pages.append("".join(message.content for message in page.entries))
        if page.next_key is None:
            return pages
        before = int(page.next_key)


async def test_a_message_is_told_whole(stores: Stores) -> None:
    wish = opening(question="Why?")
    await stores.turns.begin(wish)
    page = await stores.conversations.messages(
        OWNER, wish.conversation_id, limit=9, before=None, replaced=False
    )
    (message,) = page.entries
    assert (message.id, message.turn_id) == (wish.question_id, wish.turn_id)
    assert (message.role, message.content) == (Role.USER, "Why?")
    assert message.created_at.utcoffset() is not None
    assert page.next_key is None


async def test_a_reply_is_told_as_its_turn_tells_it(stores: Stores) -> None:
    turn = await answered(stores.turns)
    page = await stores.conversations.messages(
        OWNER, turn.conversation_id, limit=9, before=None, replaced=False
    )
    assert page.entries[1] == turn.reply


@pytest.mark.parametrize(
    ("limit", "pages"),
    [
        (1, ["D", "d", "C", "c", "B", "b", "A", "a"]),
        (3, ["CdD", "bBc", "aA"]),
        (8, ["aAbBcCdD"]),
        (9, ["aAbBcCdD"]),
    ],
)
async def test_the_newest_page_comes_first_and_ascends(stores: Stores, limit: int, pages: list[str]) -> None:
    conversation_id, _ = await spoken(stores, "abcd")
    assert await walked(stores, conversation_id, limit) == pages


async def test_replaced_turns_are_told_only_where_they_are_wished(stores: Stores) -> None:
    conversation_id, turns = await spoken(stores, "abc")
    await answered(stores.turns, conversation_id, replaces=turns["b"], question="x", text="X")
    assert await walked(stores, conversation_id, 3) == ["AxX", "a"]
    assert await walked(stores, conversation_id, 99, replaced=True) == ["aAbBcCxX"]


async def test_what_was_said_of_a_turn_that_is_not_whole_is_no_message(stores: Stores) -> None:
    conversation_id, _ = await spoken(stores, "a")
    failed = await opened(stores.turns, conversation_id, question="b")
    await stores.turns.finish(failed.lease, FOR_NOW, [])
    silent = await opened(stores.turns, conversation_id, question="c")
    await stores.turns.finish(silent.lease, BEFORE_A_WORD, [])
    stopped = await opened(stores.turns, conversation_id, question="d")
    await stores.turns.finish(stopped.lease, IN_MID_SPEECH, [])
    interrupted = await opened(stores.turns, conversation_id, question="e")
    await stores.turns.checkpoint(interrupted.lease, "half", 4)
    await stores.turns.release(interrupted.lease)
    live = await opened(stores.turns, conversation_id, question="f")
    await stores.turns.checkpoint(live.lease, "half", 4)
    assert await walked(stores, conversation_id, 99) == ["aAbcdAn ansef"]


@pytest.mark.parametrize("before", [0, -1, -(2**70), 1])
async def test_before_the_first_message_there_is_nothing(stores: Stores, before: int) -> None:
    conversation_id, _ = await spoken(stores, "a")
    page = await stores.conversations.messages(OWNER, conversation_id, limit=9, before=before, replaced=False)
    assert (page.entries, page.next_key) == ((), None)


async def test_a_position_beyond_all_messages_is_no_fault(stores: Stores) -> None:
    conversation_id, _ = await spoken(stores, "a")
    page = await stores.conversations.messages(OWNER, conversation_id, limit=9, before=2**70, replaced=False)
    assert [message.content for message in page.entries] == ["a", "A"]


async def test_other_conversations_are_not_read(stores: Stores) -> None:
    conversation_id, _ = await spoken(stores, "a")
    await spoken(stores, "b")
    await answered(stores.turns, conversation_id, owner="bob", new_conversation=True, question="z")
    assert await walked(stores, conversation_id, 99) == ["aA"]
