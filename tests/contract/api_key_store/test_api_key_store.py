"""What every place where API keys are kept promises."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from chatcore.api_key import ApiKey, ApiKeyText
from chatcore.ports.api_key_store import ApiKeyStore
from chatcore.principal import Scope

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 5, 17, 12, 0, 0, 123456, tzinfo=UTC)


def made(owner: str = "alice", key_id: UUID | None = None, **more: object) -> tuple[ApiKey, ApiKeyText]:
    text = ApiKeyText.fresh(owner, key_id or uuid4(), uuid4().bytes + uuid4().bytes)
    key = ApiKey(owner=owner, id=text.id, name="notebook", scopes=frozenset(Scope), created_at=NOW)
    return replace(key, **more), text  # type: ignore[arg-type]


async def test_a_key_is_found_by_its_text_as_it_was_recorded(store: ApiKeyStore) -> None:
    key, text = made(
        name="Zoë's “key” \\ ' {x}", scopes=frozenset({Scope.READ}), expires_at=NOW + timedelta(days=3)
    )
    await store.add(key, text)
    assert await store.use(text, NOW) == replace(key, last_used_at=NOW)


async def test_nothing_is_found_by_another_text(store: ApiKeyStore) -> None:
    key, text = made()
    await store.add(key, text)
    _, same_id = made(key_id=key.id)
    _, same_owner = made()
    _, other_owner = made("bob", key.id)
    for other in (same_id, same_owner, other_owner):
        assert await store.use(other, NOW) is None
    assert await store.of_owner("alice") == [key]


async def test_keys_of_an_owner_are_listed_oldest_first(store: ApiKeyStore) -> None:
    keys = [made(created_at=NOW + timedelta(seconds=age)) for age in (2, 0, 1)]
    for key, text in keys:
        await store.add(key, text)
    await store.add(*made("bob"))
    assert await store.of_owner("alice") == sorted((key for key, _ in keys), key=lambda key: key.created_at)
    assert await store.of_owner("nobody") == []


async def test_a_revoked_key_is_found_and_says_since_when(store: ApiKeyStore) -> None:
    key, text = made()
    await store.add(key, text)
    assert await store.revoke("alice", key.id, NOW)
    assert await store.revoke("alice", key.id, NOW + timedelta(days=1))
    found = await store.use(text, NOW)
    assert found is not None
    assert found.revoked_at == NOW
    assert not found.valid_at(NOW)


async def test_nobody_revokes_what_is_not_theirs(store: ApiKeyStore) -> None:
    key, text = made()
    await store.add(key, text)
    assert not await store.revoke("bob", key.id, NOW)
    assert not await store.revoke("alice", uuid4(), NOW)
    found = await store.use(text, NOW)
    assert found is not None
    assert found.revoked_at is None


async def test_a_use_is_recorded_at_least_every_minute(store: ApiKeyStore) -> None:
    key, text = made()
    await store.add(key, text)
    for minute in range(3):
        at = NOW + timedelta(minutes=minute)
        await store.use(text, at)
        (listed,) = await store.of_owner("alice")
        assert listed.last_used_at == at


async def test_two_owners_may_have_keys_of_one_id(store: ApiKeyStore) -> None:
    alice, hers = made("alice")
    bob, his = made("bob", alice.id)
    await store.add(alice, hers)
    await store.add(bob, his)
    assert await store.use(hers, NOW) == replace(alice, last_used_at=NOW)
    assert await store.use(his, NOW) == replace(bob, last_used_at=NOW)


async def test_a_key_once_recorded_is_left_as_it_is(store: ApiKeyStore) -> None:
    key, text = made()
    await store.add(key, text)
    _, other = made(key_id=key.id)
    await store.add(replace(key, name="another", scopes=frozenset({Scope.READ})), other)
    assert await store.of_owner("alice") == [key]
    assert await store.use(other, NOW) is None
    assert await store.use(text, NOW) == replace(key, last_used_at=NOW)


async def test_a_use_within_a_minute_of_the_one_recorded_last_is_not_recorded(store: ApiKeyStore) -> None:
    key, text = made()
    await store.add(key, text)
    for seconds in (0, 59):
        used = await store.use(text, NOW + timedelta(seconds=seconds))
        assert used is not None
        assert used.last_used_at == NOW


async def test_simultaneous_uses_all_find_the_key(store: ApiKeyStore) -> None:
    key, text = made()
    await store.add(key, text)
    found = await asyncio.gather(*(store.use(text, NOW) for _ in range(50)))
    assert [one.id for one in found if one is not None] == [key.id] * 50


async def test_any_owner_may_have_a_key(store: ApiKeyStore) -> None:
    owner = "Zoë|auth0.1-2@example.org" + "x" * 200
    key, text = made(owner)
    await store.add(key, text)
    parsed = ApiKeyText.parse(text.text)
    assert parsed == text
    assert await store.use(parsed, NOW) == replace(key, last_used_at=NOW)
