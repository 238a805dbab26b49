"""Key sets: what is fetched, how often, and what counts while it cannot be (RFC 7517)."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

import pytest
from aiohttp import web

from adapters.auth.jwks import JwksAuthenticator
from adapters.auth.key_set import MOST_KEYS, KeySet, UnusableKeySet, parsed_key_set
from adapters.auth.key_set_cache import EVERY, KEPT_FOR, PATIENCE, KeySetCache
from adapters.auth.key_set_fetch import LARGEST, FetchFailed, KeySetFetch
from chatcore.errors import DatabaseUnavailable, Unauthenticated
from chatcore.principal import Principal
from tests.contract.authenticator.clocks import Clocks
from tests.contract.authenticator.doors import bearing
from tests.contract.authenticator.issuer import (
    Issuer,
    eddsa_mint,
    es256_mint,
    issuing,
    jwk_of,
    rs256_mint,
)
from tests.contract.authenticator.mint import AUDIENCE, ISSUER, Mint, encoded, hs256_mint

pytestmark = pytest.mark.anyio


class Trial:
    """An authenticator, the issuer it trusts, and their time."""

    def __init__(self, issuer: Issuer, clocks: Clocks) -> None:
        self.issuer = issuer
        self.clocks = clocks
        self.authenticator = JwksAuthenticator(
            issuer.url, issuer=ISSUER, audience=AUDIENCE, now=clocks.now, monotonic=clocks.monotonic
        )

    async def bring(self, mint: Mint, **header: object) -> Principal:
        token = mint.token(mint.claims(self.clocks.unix(), exp=self.clocks.unix() + 200_000), **header)
        return await self.authenticator.authenticate(bearing(token))

    async def lets_in(self, mint: Mint, **header: object) -> bool:
        try:
            return bool(await self.bring(mint, **header))
        except Unauthenticated:
            return False


@asynccontextmanager
async def trial(*mints: Mint) -> AsyncIterator[Trial]:
    async with issuing(*mints) as issuer:
        trial = Trial(issuer, Clocks())
        await trial.authenticator.open()
        try:
            yield trial
        finally:
            await trial.authenticator.close()


def key_set_of(*mints: Mint) -> bytes:
    return json.dumps({"keys": [jwk_of(mint) for mint in mints]}).encode()


async def test_without_a_configured_name_any_audience_is_believed_and_any_issuer() -> None:
    clocks, mint = Clocks(), eddsa_mint()
    async with issuing(mint) as issuer:
        authenticator = JwksAuthenticator(issuer.url, now=clocks.now, monotonic=clocks.monotonic)
        await authenticator.open()
        for aud in ("https://somebody.example", None):
            token = mint.token(mint.claims(clocks.unix(), aud=aud))
            assert (await authenticator.authenticate(bearing(token))).method == "jwks"
        await authenticator.close()


async def test_nothing_is_fetched_until_somebody_asks() -> None:
    async with trial(eddsa_mint()) as one:
        assert one.issuer.asked == 0
        assert await one.lets_in(eddsa_mint())
        assert one.issuer.asked == 1


async def test_a_hundred_simultaneous_first_callers_fetch_once() -> None:
    async with trial(eddsa_mint()) as one:
        assert all(await asyncio.gather(*(one.lets_in(eddsa_mint()) for _ in range(100))))
        assert one.issuer.asked == 1


async def test_unknown_key_ids_fetch_at_most_once_in_thirty_seconds() -> None:
    async with trial(eddsa_mint()) as one:
        assert await one.lets_in(eddsa_mint())
        for second in range(120):
            for number in range(10):
                assert not await one.lets_in(eddsa_mint("stranger"), kid=f"{second}-{number}")
            one.clocks.advance(1)
        assert one.issuer.asked <= 1 + 120 / EVERY
        assert await one.lets_in(eddsa_mint())


async def test_a_rotated_key_counts_and_a_withdrawn_one_does_not_after_thirty_seconds() -> None:
    old, new = eddsa_mint("old"), eddsa_mint("new")
    async with trial(old) as one:
        assert await one.lets_in(old)
        one.issuer.publish(new)
        assert not await one.lets_in(new)
        one.clocks.advance(EVERY)
        assert await one.lets_in(new)
        assert not await one.lets_in(old)


async def test_a_token_that_was_believed_is_refused_once_its_key_is_withdrawn() -> None:
    old, new = eddsa_mint("old"), eddsa_mint("new")
    async with trial(old) as one:
        token = old.token(old.claims(one.clocks.unix()))
        await one.authenticator.authenticate(bearing(token))
        one.issuer.publish(new)
        one.clocks.advance(EVERY)
        with pytest.raises(Unauthenticated):
            await one.authenticator.authenticate(bearing(token))


async def test_known_keys_go_on_while_the_issuer_is_down_and_it_is_asked_every_thirty_seconds() -> None:
    async with trial(eddsa_mint()) as one:
        assert await one.lets_in(eddsa_mint())
        one.issuer.status = 500
        for _ in range(3_600):
            one.clocks.advance(1)
            assert await one.lets_in(eddsa_mint())
        assert one.issuer.asked <= 1 + 3_600 / EVERY


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b"{}", b'{"keys":[]}', b'{"keys":{}}', b"\xff", b"[" * 100_000]
)
async def test_an_answer_that_is_no_key_set_does_not_push_out_the_known_one(body: bytes) -> None:
    async with trial(eddsa_mint()) as one:
        assert await one.lets_in(eddsa_mint())
        one.issuer.body = body
        one.clocks.advance(EVERY)
        assert await one.lets_in(eddsa_mint())
        assert one.issuer.asked == 2


async def test_keys_are_not_believed_for_ever_without_their_issuer() -> None:
    async with trial(eddsa_mint()) as one:
        assert await one.lets_in(eddsa_mint())
        one.issuer.status = 500
        one.clocks.advance(KEPT_FOR)
        with pytest.raises(DatabaseUnavailable) as caught:
            await one.bring(eddsa_mint())
        assert caught.value.retry_after == EVERY


async def test_without_any_key_set_nobody_is_refused_for_good() -> None:
    async with trial(eddsa_mint()) as one:
        one.issuer.status = 503
        for _ in range(10):
            with pytest.raises(DatabaseUnavailable):
                await one.bring(eddsa_mint())
        assert one.issuer.asked == 1
        one.issuer.status = 200
        one.clocks.advance(EVERY)
        assert await one.lets_in(eddsa_mint())


async def test_the_right_key_of_several_is_taken() -> None:
    mints = eddsa_mint("a"), eddsa_mint("b"), rs256_mint("c"), es256_mint("d")
    async with trial(*mints) as one:
        assert [await one.lets_in(mint) for mint in mints] == [True] * 4
        assert not await one.lets_in(eddsa_mint("a"), kid="b")
        assert not await one.lets_in(rs256_mint("c"), kid="d")


async def test_without_a_key_id_the_only_key_of_the_algorithm_is_taken() -> None:
    async with trial(eddsa_mint("a"), eddsa_mint("b"), rs256_mint("c")) as one:
        assert await one.lets_in(replace(rs256_mint("c"), kid=None))
        assert not await one.lets_in(replace(eddsa_mint("a"), kid=None))


async def test_a_slow_issuer_holds_a_known_key_up_for_a_second_at_most() -> None:
    clocks, released, asked = Clocks(), asyncio.Event(), 0

    async def slow() -> bytes:
        nonlocal asked
        asked += 1
        if asked > 1:
            await released.wait()
        return key_set_of(eddsa_mint())

    cache = KeySetCache(slow, monotonic=clocks.monotonic)
    known = await cache.current()
    clocks.advance(EVERY)
    began = asyncio.get_running_loop().time()
    assert await cache.current() is known
    assert 0.5 * PATIENCE < asyncio.get_running_loop().time() - began < PATIENCE + 0.5
    clocks.advance(PATIENCE)
    began = asyncio.get_running_loop().time()
    assert await cache.current() is known
    assert asyncio.get_running_loop().time() - began < 0.1
    released.set()
    assert await cache.settled() is known
    assert asked == 2


async def test_a_new_key_is_waited_for_when_the_issuer_is_slow() -> None:
    old, new = eddsa_mint("old"), eddsa_mint("new")
    async with trial(old) as one:
        assert await one.lets_in(old)
        one.issuer.publish(old, new)
        one.issuer.delay = 1.3 * PATIENCE
        one.clocks.advance(EVERY)
        assert await one.lets_in(new)


async def test_nobody_is_asked_about_a_token_that_no_key_set_can_be_for() -> None:
    async with trial(eddsa_mint()) as one:
        assert not await one.lets_in(hs256_mint())
        assert one.issuer.asked == 0


async def test_a_caller_who_leaves_does_not_end_the_fetch_of_the_others() -> None:
    released = asyncio.Event()

    async def slow() -> bytes:
        await released.wait()
        return key_set_of(eddsa_mint())

    cache = KeySetCache(slow)
    leaving, staying = asyncio.create_task(cache.current()), asyncio.create_task(cache.current())
    await asyncio.sleep(0)
    leaving.cancel()
    with suppress(asyncio.CancelledError):
        await leaving
    released.set()
    assert isinstance(await staying, KeySet)


async def test_closing_ends_a_fetch_that_hangs() -> None:
    async def for_ever() -> bytes:
        await asyncio.Event().wait()
        return b""

    cache = KeySetCache(for_ever)
    asking = asyncio.create_task(cache.current())
    await asyncio.sleep(0.01)
    await asyncio.wait_for(cache.close(), 1)
    with pytest.raises(DatabaseUnavailable):
        await asking


@pytest.mark.parametrize(
    "members",
    [
        {"use": "enc"},
        {"alg": "ES256"},
        {"alg": "HS256"},
        {"kty": "oct", "k": encoded(b"k" * 32), "crv": None},
        {"kty": "OKP", "crv": "X25519"},
        {"kty": "OKP", "crv": "Ed448"},
        {"x": "AAAA"},
        {"x": None},
        {"x": 7},
        {"kty": None},
        {"kty": ["OKP"]},
    ],
)
def test_a_key_that_is_not_for_this_is_passed_over(members: dict[str, object]) -> None:
    jwk = {name: value for name, value in (jwk_of(eddsa_mint()) | members).items() if value is not None}
    with pytest.raises(UnusableKeySet):
        parsed_key_set(json.dumps({"keys": [jwk]}).encode())
    both = parsed_key_set(json.dumps({"keys": [jwk, 7, "x", None, [], jwk_of(eddsa_mint("good"))]}).encode())
    assert list(both.keys) == [("good", "EdDSA")]


def test_a_private_key_that_was_published_by_mistake_is_read_as_a_public_one() -> None:
    key_set = parsed_key_set(json.dumps({"keys": [jwk_of(eddsa_mint()) | {"d": encoded(b"d" * 32)}]}).encode())
    found = key_set.find("ed-1", "EdDSA")
    assert found is not None
    assert "Public" in type(found).__name__


def test_a_weak_rsa_key_is_passed_over() -> None:
    with pytest.raises(UnusableKeySet):
        parsed_key_set(key_set_of(rs256_mint("weak", 1_024)))


def test_the_keys_of_a_set_are_bounded() -> None:
    jwk = jwk_of(eddsa_mint())
    many = [jwk | {"kid": str(number)} for number in range(3 * MOST_KEYS)]
    assert len(parsed_key_set(json.dumps({"keys": many}).encode()).keys) == MOST_KEYS


@pytest.mark.parametrize(
    "url",
    [
        "http://issuer.example/jwks",
        "http://127.0.0.1.example/jwks",
        "http://localhost.example/jwks",
        "http://10.0.0.1/jwks",
        "ftp://localhost/jwks",
        "file:///etc/passwd",
        "https:///jwks",
        "localhost/jwks",
        "",
    ],
)
def test_keys_from_an_open_wire_are_refused(url: str) -> None:
    with pytest.raises(ValueError, match="https"):
        JwksAuthenticator(url)


@pytest.mark.parametrize(
    "url", ["https://issuer.example/jwks", "http://localhost:3000/jwks", "http://127.0.0.1/", "http://[::1]:1/"]
)
def test_https_and_this_machine_are_accepted(url: str) -> None:
    assert JwksAuthenticator(url)


@asynccontextmanager
async def fetching(answer: web.StreamResponse) -> AsyncIterator[KeySetFetch]:
    async def handle(request: web.Request) -> web.StreamResponse:
        del request
        return answer

    application = web.Application()
    application.router.add_get("/jwks", handle)
    application.router.add_get("/elsewhere", handle)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    fetch = KeySetFetch(f"http://127.0.0.1:{runner.addresses[0][1]}/jwks")
    await fetch.open()
    try:
        yield fetch
    finally:
        await fetch.close()
        await runner.cleanup()


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (lambda: web.Response(status=302, headers={"location": "/elsewhere"}), "status 302"),
        (lambda: web.Response(status=404), "status 404"),
        (lambda: web.Response(body=b"x" * (LARGEST + 1)), "more than"),
        (lambda: web.Response(body=b" " * 30_000_000), "more than"),
    ],
)
async def test_what_is_no_plain_sane_answer_is_not_taken(answer: type[web.Response], why: str) -> None:
    async with fetching(answer()) as fetch:
        with pytest.raises(FetchFailed, match=why):
            await fetch()


async def test_a_compressed_answer_is_not_opened() -> None:
    bomb = gzip.compress(b" " * 50_000_000)
    async with fetching(web.Response(body=bomb, headers={"content-encoding": "gzip"})) as fetch:
        assert await fetch() == bomb


async def test_an_issuer_that_is_not_there_is_a_failure_and_no_crash() -> None:
    fetch = KeySetFetch("http://127.0.0.1:9/jwks")
    with pytest.raises(FetchFailed, match="not open"):
        await fetch()
    await fetch.open()
    with pytest.raises(FetchFailed, match="ClientConnectorError"):
        await fetch()
    await fetch.close()
