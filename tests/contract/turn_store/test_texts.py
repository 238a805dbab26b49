"""Any text that the domain admits comes back as it went in."""

from dataclasses import replace

import pytest

from chatcore.errors import Failure
from chatcore.events import Position
from chatcore.ports.turn_store import Broken, KeyTaken
from chatcore.prompt import Exchange
from tests.contract.stores import Stores
from tests.contract.texts import TEXTS
from tests.contract.turns import ANSWER, CALL, OWNER, answered, opened, opening

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())]


async def test_in_questions_selections_and_history(stores: Stores, text: str) -> None:
    begun = await opened(stores.turns, question=text, selected_text=text)
    assert (begun.question, begun.selected_text) == (text, text)
    await stores.turns.finish(begun.lease, replace(ANSWER, text=text), [])
    following = await opened(stores.turns, begun.lease.conversation_id, replaces=None)
    assert tuple(following.history) == (Exchange(text, text),)


async def test_in_questions_asked_again(stores: Stores, text: str) -> None:
    first = await answered(stores.turns, question=text, selected_text=text)
    again = await opened(stores.turns, first.conversation_id, replaces=first.id, question=None)
    assert (again.question, again.selected_text) == (text, text)


async def test_in_replies_whole_and_partial(stores: Stores, text: str) -> None:
    lease = (await opened(stores.turns)).lease
    await stores.turns.checkpoint(lease, text, len(text))
    await stores.turns.checkpoint(lease, text, 2 * len(text))
    start = Position(attempt=1, offset=1)
    assert (await stores.turns.follow(OWNER, lease.turn_id, start)).text == (text + text)[1:]
    await stores.turns.release(lease)
    partial = (await stores.turns.look(OWNER, lease.turn_id)).reply
    assert partial is not None
    assert partial.content == text + text
    whole = await answered(stores.turns, lease.conversation_id, text=text)
    assert whole.reply is not None
    assert whole.reply.content == text


async def test_in_keys_owners_failures_and_the_ledger(stores: Stores, text: str) -> None:
    key, owner = text[:200], f"a{text[:200]}"
    lease = (await opened(stores.turns, key=key, owner=owner)).lease
    failure = Failure(code=text, retryable=False)
    turn = await stores.turns.finish(lease, Broken(failure=failure), [replace(CALL, model=text, outcome=text)])
    assert turn.failure == failure
    assert await stores.turns.begin(opening(key=key, owner=owner)) == KeyTaken(turn=turn)
