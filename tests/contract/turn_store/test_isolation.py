"""Nobody sees or touches what is another's, not even under the same ids and keys."""

from uuid import uuid4

import pytest

from chatcore.errors import ConversationNotFound, LeaseLost
from chatcore.ports.turn_store import KeyTaken, Opened
from tests.contract.stores import Stores
from tests.contract.turns import ANSWER, CALL, answered, claim, opened, opening

pytestmark = pytest.mark.anyio
OWNERS = ("alice", "bob")


async def test_the_same_ids_and_keys_mean_something_else_to_each_owner(stores: Stores) -> None:
    ids = {name: uuid4() for name in ("conversation_id", "turn_id", "question_id", "reply_id")}
    for owner in OWNERS:
        begun = await stores.turns.begin(
            opening(owner=owner, key="k", question=f"{owner}?", new_conversation=True, **ids)
        )
        assert isinstance(begun, Opened)
        await stores.turns.checkpoint(begun.lease, f"{owner}!", len(owner) + 1)
        assert begun.question == f"{owner}?"
    for owner in OWNERS:
        answer = await stores.turns.begin(opening(owner=owner, key="k"))
        assert isinstance(answer, KeyTaken)
        assert answer.turn.id == ids["turn_id"]
        page = await stores.conversations.messages(
            owner, ids["conversation_id"], limit=9, before=None, replaced=True
        )
        assert [message.content for message in page.entries] == [f"{owner}?"]


async def test_what_one_does_leaves_the_other_untouched(stores: Stores) -> None:
    ids = {name: uuid4() for name in ("conversation_id", "turn_id", "question_id", "reply_id")}
    shared = claim()
    leases = {}
    for owner in OWNERS:
        leases[owner] = (
            await opened(stores.turns, owner=owner, new_conversation=True, claim=shared, **ids)
        ).lease
        await stores.turns.checkpoint(leases[owner], "half", 4)
    theirs = await stores.turns.look("bob", ids["turn_id"])
    rows = await stores.rows("bob")
    await stores.turns.cancel("alice", ids["turn_id"])
    await stores.turns.finish(leases["alice"], ANSWER, [CALL])
    await answered(stores.turns, ids["conversation_id"], owner="alice", replaces=ids["turn_id"], question=None)
    await stores.conversations.rename("alice", ids["conversation_id"], "Mine")
    await stores.conversations.delete("alice", ids["conversation_id"])
    assert await stores.turns.look("bob", ids["turn_id"]) == theirs
    assert await stores.rows("bob") == rows
    assert (await stores.conversations.find("bob", ids["conversation_id"])).title == "A title"
    assert not await stores.turns.checkpoint(leases["bob"], "", 4)


async def test_a_question_cannot_be_put_into_another_owners_conversation(stores: Stores) -> None:
    theirs = await answered(stores.turns, owner="bob")
    with pytest.raises(ConversationNotFound):
        await stores.turns.begin(opening(theirs.conversation_id))
    mine = await opened(stores.turns, theirs.conversation_id, new_conversation=True)
    assert tuple(mine.history) == ()
    assert (await stores.rows("bob"))["message"] == 2


async def test_a_takeover_by_another_owner_does_not_fence_off_the_first(stores: Stores) -> None:
    ids = {name: uuid4() for name in ("conversation_id", "turn_id", "question_id", "reply_id")}
    mine = (await opened(stores.turns, owner="alice", new_conversation=True, **ids)).lease
    theirs = (await opened(stores.turns, owner="bob", new_conversation=True, **ids)).lease
    await stores.turns.release(theirs)
    assert isinstance(await stores.turns.take_over("bob", ids["turn_id"], claim(), 5), Opened)
    with pytest.raises(LeaseLost):
        await stores.turns.checkpoint(theirs, "late", 4)
    assert not await stores.turns.checkpoint(mine, "in time", 7)
