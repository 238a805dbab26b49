"""Conversations are listed, found, renamed and deleted by their owner."""

from uuid import UUID, uuid4

import pytest

from chatcore.conversation import LONGEST_TITLE
from chatcore.errors import ConversationNotFound, TurnNotFound
from tests.contract.stores import Stores
from tests.contract.texts import TEXTS
from tests.contract.turns import ANSWER, CALL, OWNER, answered, opened

pytestmark = pytest.mark.anyio


async def conversations(stores: Stores, number: int, owner: str = OWNER) -> list[UUID]:
    """Return the ids of new conversations, made in the order of their ids as the program makes them."""
    ids = [UUID(int=(7 << 76) + (2 << 62) + (n << 80)) for n in range(1, number + 1)]
    for id_ in ids:
        await opened(stores.turns, id_, new_conversation=True, owner=owner, title=f"Title {id_}")
    return ids


async def walked(stores: Stores, limit: int) -> list[list[UUID]]:
    """Return all pages of the listing."""
    pages: list[list[UUID]] = []
    before: UUID | None = None
    while True:
        page = await stores.conversations.conversations(OWNER, limit=limit, before=before)
        pages.append([conversation.id for conversation in page.entries])
        if page.next_key is None:
            return pages
        before = UUID(page.next_key)


async def test_nobody_starts_with_a_conversation(stores: Stores) -> None:
    page = await stores.conversations.conversations(OWNER, limit=10, before=None)
    assert (page.entries, page.next_key) == ((), None)


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 6, 100])
async def test_they_are_listed_newest_first_page_by_page(stores: Stores, limit: int) -> None:
    ids = await conversations(stores, 6)
    newest = ids[::-1]
    assert await walked(stores, limit) == [newest[at : at + limit] for at in range(0, 6, limit)]


async def test_a_listing_goes_on_behind_a_conversation_that_was_deleted(stores: Stores) -> None:
    ids = await conversations(stores, 4)
    first = await stores.conversations.conversations(OWNER, limit=2, before=None)
    assert first.next_key == str(ids[2])
    await stores.conversations.delete(OWNER, ids[2])
    rest = await stores.conversations.conversations(OWNER, limit=2, before=ids[2])
    assert [conversation.id for conversation in rest.entries] == [ids[1], ids[0]]


async def test_a_conversation_that_is_touched_keeps_its_place(stores: Stores) -> None:
    ids = await conversations(stores, 3)
    await stores.conversations.rename(OWNER, ids[0], "Renamed")
    assert await walked(stores, 9) == [ids[::-1]]


async def test_a_listing_and_a_look_say_the_same(stores: Stores) -> None:
    (id_,) = await conversations(stores, 1)
    page = await stores.conversations.conversations(OWNER, limit=1, before=None)
    found = await stores.conversations.find(OWNER, id_)
    assert page.entries == (found,)
    assert (found.owner, found.title) == (OWNER, f"Title {id_}")
    assert found.created_at.utcoffset() is not None
    assert found.updated_at >= found.created_at


async def test_each_owner_sees_their_own(stores: Stores) -> None:
    await conversations(stores, 3)
    await conversations(stores, 2, owner="bob")
    theirs = await stores.conversations.conversations("bob", limit=9, before=None)
    assert {conversation.owner for conversation in theirs.entries} == {"bob"}
    assert len(theirs.entries) == 2


@pytest.mark.parametrize("title", [*(text[:LONGEST_TITLE] for text in TEXTS.values() if text.strip())])
async def test_a_conversation_is_renamed(stores: Stores, title: str) -> None:
    (id_,) = await conversations(stores, 1)
    before = await stores.conversations.find(OWNER, id_)
    renamed = await stores.conversations.rename(OWNER, id_, title)
    assert (renamed.id, renamed.title, renamed.created_at) == (id_, title, before.created_at)
    assert renamed.updated_at > before.updated_at
    assert await stores.conversations.find(OWNER, id_) == renamed


async def test_what_does_not_exist_and_what_is_anothers_are_equally_not_found(stores: Stores) -> None:
    (theirs,) = await conversations(stores, 1, owner="bob")
    said = set()
    for id_ in (uuid4(), theirs):
        with pytest.raises(ConversationNotFound) as found:
            await stores.conversations.find(OWNER, id_)
        with pytest.raises(ConversationNotFound) as renamed:
            await stores.conversations.rename(OWNER, id_, "Mine")
        with pytest.raises(ConversationNotFound) as deleted:
            await stores.conversations.delete(OWNER, id_)
        with pytest.raises(ConversationNotFound) as read:
            await stores.conversations.messages(OWNER, id_, limit=9, before=None, replaced=True)
        said |= {repr(refusal.value) for refusal in (found, renamed, deleted, read)}
    assert len(said) == 1
    assert (await stores.conversations.find("bob", theirs)).title == f"Title {theirs}"


async def test_a_deleted_conversation_takes_everything_along_but_the_ledger(stores: Stores) -> None:
    done = await answered(stores.turns)
    failed = await opened(stores.turns, done.conversation_id)
    await stores.turns.checkpoint(failed.lease, "half", 4)
    kept = await opened(stores.turns)
    await stores.turns.finish(kept.lease, ANSWER, [CALL])
    await stores.conversations.delete(OWNER, done.conversation_id)
    with pytest.raises(ConversationNotFound):
        await stores.conversations.find(OWNER, done.conversation_id)
    with pytest.raises(TurnNotFound):
        await stores.turns.look(OWNER, done.id)
    assert await stores.rows(OWNER) == {
        "conversation": 1,
        "turn": 1,
        "message": 2,
        "turn_chunk": 0,
        "model_call": 1,
    }


async def test_a_conversation_is_deleted_once(stores: Stores) -> None:
    (id_,) = await conversations(stores, 1)
    await stores.conversations.delete(OWNER, id_)
    with pytest.raises(ConversationNotFound):
        await stores.conversations.delete(OWNER, id_)
