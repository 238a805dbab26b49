"""API keys: how they read, how soon a revoked one is refused, and what a scope allows."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.auth.api_keys import ApiKeyAuthenticator
from adapters.auth.lookups import AT_ONCE, LASTING, WAITING
from adapters.memory.api_keys import MemoryApiKeyStore
from chatcore.api_key import ApiKey, ApiKeyText
from chatcore.errors import Forbidden, InvalidRequest, Overloaded, Unauthenticated
from chatcore.principal import Principal, Scope
from tests.contract.authenticator.clocks import Clocks
from tests.contract.authenticator.doors import bearing, key_for

ENTROPY = bytes(range(32))


def test_a_key_reads_as_documented() -> None:
    text = ApiKeyText.fresh("alice", UUID(int=7), ENTROPY).text
    prefix, readable, secret = text.split("_", 2)
    assert (prefix, readable[:32], len(secret)) == ("ck", UUID(int=7).hex, 43)


def test_a_key_is_not_shown_by_accident() -> None:
    text = ApiKeyText.fresh("alice", UUID(int=7), ENTROPY)
    assert text.text[-20:] not in repr(text)


@given(owner=st.text(min_size=1, max_size=100), key_id=st.uuids(), entropy=st.binary(min_size=32, max_size=32))
def test_whatever_is_made_is_read_again(owner: str, key_id: UUID, entropy: bytes) -> None:
    try:
        made = ApiKeyText.fresh(owner, key_id, entropy)
    except InvalidRequest:
        return
    assert ApiKeyText.parse(made.text) == made


@given(text=st.one_of(st.text(), st.from_regex(r"ck_[0-9a-f]{32}[a-z2-7]*_[A-Za-z0-9_-]{43}", fullmatch=True)))
def test_any_text_is_a_key_of_a_possible_owner_or_none(text: str) -> None:
    parsed = ApiKeyText.parse(text)
    assert parsed is None or Principal(user_id=parsed.owner, method="api-key")


def test_a_key_for_nothing_is_refused() -> None:
    clocks = Clocks()
    with pytest.raises(InvalidRequest, match="scopes"):
        ApiKey(owner="alice", id=uuid4(), name="x", scopes=frozenset(), created_at=clocks.now())


@pytest.mark.anyio
async def test_a_revoked_key_is_refused_within_ten_seconds() -> None:
    clocks, store = Clocks(), MemoryApiKeyStore()
    authenticator = ApiKeyAuthenticator(store, now=clocks.now, monotonic=clocks.monotonic)
    token = await key_for(store, "alice", clocks)
    assert await authenticator.authenticate(bearing(token))
    (key,) = await store.of_owner("alice")
    await store.revoke("alice", key.id, clocks.now())
    clocks.advance(LASTING)
    with pytest.raises(Unauthenticated):
        await authenticator.authenticate(bearing(token))


@pytest.mark.anyio
async def test_the_right_id_with_another_secret_is_refused() -> None:
    clocks, store = Clocks(), MemoryApiKeyStore()
    authenticator = ApiKeyAuthenticator(store, now=clocks.now, monotonic=clocks.monotonic)
    await key_for(store, "alice", clocks)
    (key,) = await store.of_owner("alice")
    with pytest.raises(Unauthenticated):
        await authenticator.authenticate(bearing(ApiKeyText.fresh("alice", key.id, ENTROPY).text))


@pytest.mark.anyio
async def test_a_key_does_what_it_is_for_and_no_more() -> None:
    clocks, store = Clocks(), MemoryApiKeyStore()
    text = ApiKeyText.fresh("alice", uuid4(), ENTROPY)
    reading = ApiKey(
        owner="alice",
        id=text.id,
        name="reader",
        scopes=frozenset({Scope.READ}),
        created_at=clocks.now() - timedelta(days=1),
    )
    await store.add(reading, text)
    principal = await ApiKeyAuthenticator(store, now=clocks.now).authenticate(bearing(text.text))
    assert principal.owner_as("alice", Scope.READ) == "alice"
    with pytest.raises(Forbidden):
        principal.owner_as("alice", Scope.WRITE)
    with pytest.raises(Forbidden):
        principal.owner_as("alice")
    with pytest.raises(Forbidden):
        principal.owner_as("bob", Scope.READ)


class SlowKeys(MemoryApiKeyStore):
    """Answers when it is told to, and notes how many it was asked at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.told = asyncio.Event()
        self.asked = self.under_way = self.most = 0

    async def use(self, text: ApiKeyText, at: datetime) -> ApiKey | None:
        self.asked += 1
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        await self.told.wait()
        self.under_way -= 1
        return await super().use(text, at)


async def came(about: Callable[[], bool]) -> None:
    """Wait until something is so, five seconds at most."""
    async with asyncio.timeout(5):
        while not about():  # noqa: ASYNC110 - what is tested tells nobody
            await asyncio.sleep(0.005)


def made_up() -> str:
    return ApiKeyText.fresh(f"owner{uuid4().hex}", uuid4(), ENTROPY).text


@pytest.mark.anyio
async def test_made_up_keys_are_looked_up_a_few_at_a_time_and_known_ones_do_not_wait() -> None:
    clocks, store = Clocks(), SlowKeys()
    authenticator = ApiKeyAuthenticator(store, now=clocks.now, monotonic=clocks.monotonic)
    token = await key_for(store, "alice", clocks)
    store.told.set()
    assert await authenticator.authenticate(bearing(token))
    store.told.clear()
    guesses = [asyncio.create_task(authenticator.authenticate(bearing(made_up()))) for _ in range(100)]
    await came(lambda: store.under_way == AT_ONCE)
    assert await authenticator.authenticate(bearing(token))
    store.told.set()
    answers = await asyncio.gather(*guesses, return_exceptions=True)
    assert {type(answer) for answer in answers} == {Unauthenticated}
    assert (store.asked, store.most) == (101, AT_ONCE)


@pytest.mark.anyio
async def test_more_made_up_keys_than_may_wait_are_sent_away_unread() -> None:
    store = SlowKeys()
    authenticator = ApiKeyAuthenticator(store)
    guesses = [asyncio.create_task(authenticator.authenticate(bearing(made_up()))) for _ in range(WAITING + 5)]
    await came(lambda: sum(guess.done() for guess in guesses) >= 5)
    sent_away = [guess for guess in guesses if guess.done()]
    store.told.set()
    answers = await asyncio.gather(*guesses, return_exceptions=True)
    assert {type(guess.exception()) for guess in sent_away} == {Overloaded}
    assert len(sent_away) == 5
    assert sum(isinstance(answer, Unauthenticated) for answer in answers) == WAITING


@pytest.mark.anyio
async def test_the_same_made_up_key_is_looked_up_once_in_ten_seconds() -> None:
    clocks, store = Clocks(), SlowKeys()
    store.told.set()
    authenticator = ApiKeyAuthenticator(store, now=clocks.now, monotonic=clocks.monotonic)
    guess = made_up()
    for _ in range(20):
        with pytest.raises(Unauthenticated):
            await authenticator.authenticate(bearing(guess))
        clocks.advance(1)
    assert store.asked == 20 / LASTING
