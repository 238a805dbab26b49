"""A user is forgotten whole, by whoever runs a turn of theirs as well, and nobody else is."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from chatcore.api_key import ApiKey, ApiKeyText
from chatcore.errors import ConversationNotFound, LeaseLost, TurnNotFound
from chatcore.fair_use import FairUse, Rate
from chatcore.principal import Scope
from tests.contract.stores import Stores
from tests.contract.turns import ANSWER, CALL, OWNER, answered, opened

pytestmark = pytest.mark.anyio
NOTHING = {"conversation": 0, "turn": 0, "message": 0, "turn_chunk": 0, "model_call": 0}
BOUNDED = FairUse(rate=Rate(requests=1, seconds=3600), daily_tokens=10_000)


async def test_nothing_is_left_of_a_user_who_had_everything(stores: Stores) -> None:
    turn = await answered(stores.turns, fair_use=BOUNDED)
    lease = (await opened(stores.turns)).lease
    await stores.turns.checkpoint(lease, "half", 4)
    assert await stores.accounts.erase(OWNER)
    assert await stores.rows(OWNER) == NOTHING
    assert await stores.tokens_today(OWNER) == (0, 0)
    with pytest.raises(TurnNotFound):
        await stores.turns.look(OWNER, turn.id)
    with pytest.raises(ConversationNotFound):
        await stores.conversations.find(OWNER, turn.conversation_id)
    await opened(stores.turns, fair_use=BOUNDED)


async def test_nobody_else_loses_anything(stores: Stores) -> None:
    await answered(stores.turns)
    await answered(stores.turns, owner="bob")
    before = await stores.rows("bob")
    await stores.accounts.erase(OWNER)
    assert await stores.rows("bob") == before


async def test_who_is_not_known_is_not_forgotten_twice(stores: Stores) -> None:
    assert not await stores.accounts.erase(OWNER)
    await answered(stores.turns)
    assert await stores.accounts.erase(OWNER)
    assert not await stores.accounts.erase(OWNER)


async def test_a_user_of_many_conversations_is_forgotten_in_one_call(stores: Stores) -> None:
    for _ in range(41):
        await answered(stores.turns)
    assert await stores.accounts.erase(OWNER)
    assert await stores.rows(OWNER) == NOTHING


async def test_whoever_ran_a_turn_of_theirs_brings_nothing_back(stores: Stores) -> None:
    lease = (await opened(stores.turns, fair_use=BOUNDED)).lease
    await stores.accounts.erase(OWNER)
    with pytest.raises(LeaseLost):
        await stores.turns.checkpoint(lease, "more", 4)
    with pytest.raises(LeaseLost):
        await stores.turns.finish(lease, ANSWER, [CALL])
    with pytest.raises(LeaseLost):
        await stores.turns.release(lease, [CALL])
    await stores.turns.bill(lease, [CALL])
    assert await stores.rows(OWNER) == NOTHING
    assert not await stores.accounts.erase(OWNER)


async def test_the_keys_of_a_user_go_along(stores: Stores) -> None:
    now = datetime.now(UTC)
    texts = [ApiKeyText.fresh(owner, uuid4(), uuid4().bytes + uuid4().bytes) for owner in (OWNER, "bob")]
    for text in texts:
        key = ApiKey(owner=text.owner, id=text.id, name="of a program", scopes=frozenset(Scope), created_at=now)
        await stores.keys.add(key, text)
    assert await stores.accounts.erase(OWNER)
    hers, his = texts
    assert await stores.keys.use(hers, now) is None
    assert await stores.keys.of_owner(OWNER) == []
    assert await stores.keys.use(his, now) is not None
