"""Better Auth's session tokens: what is asked of its tables, how often, and from where a cookie counts."""

import asyncio
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Mapping
from datetime import timedelta
from urllib.parse import quote

import pytest

from adapters.auth.better_auth import COOKIES, BetterAuthAuthenticator
from adapters.auth.lookups import LASTING
from adapters.auth.memory import CAPACITY
from chatcore.errors import DatabaseUnavailable, Forbidden, Unauthenticated
from chatcore.ports.authenticator import Credentials
from chatcore.ports.sign_in_lookup import SignIn
from tests.contract.authenticator.clocks import Clocks
from tests.contract.authenticator.doors import FRONTEND, SignIns, bearing, signed
from tests.contract.authenticator.mint import SECRET

pytestmark = pytest.mark.anyio


class Trial:
    """An authenticator, the sign-ins that it finds, and their time."""

    def __init__(self) -> None:
        self.clocks = Clocks()
        self.sign_ins = SignIns()
        self.authenticator = BetterAuthAuthenticator(
            SECRET,
            self.sign_ins.look_up,
            origins=[FRONTEND, "https://Chat.example/"],
            now=self.clocks.now,
            monotonic=self.clocks.monotonic,
        )

    def sign_in(self, user: str = "alice") -> str:
        return self.sign_ins.add(user, self.clocks)

    async def with_cookies(self, cookies: Mapping[str, str], origin: str | None = None) -> str:
        credentials = Credentials(cookies=cookies, origin=origin)
        return (await self.authenticator.authenticate(credentials)).user_id

    async def with_bearer(self, token: str) -> str:
        return (await self.authenticator.authenticate(bearing(token))).user_id


@pytest.mark.parametrize("name", COOKIES)
async def test_the_cookie_is_believed_under_both_names_encoded_and_not(name: str) -> None:
    trial = Trial()
    cookie = signed(trial.sign_in())
    assert await trial.with_cookies({name: cookie}) == "alice"
    assert await trial.with_cookies({name: quote(cookie, safe="")}) == "alice"


async def test_the_signed_token_is_believed_as_bearer_and_the_bare_one_is_not() -> None:
    trial = Trial()
    token = trial.sign_in()
    assert await trial.with_bearer(signed(token)) == "alice"
    assert await trial.with_bearer(quote(signed(token), safe="")) == "alice"
    with pytest.raises(Unauthenticated):
        await trial.with_bearer(token)
    assert trial.sign_ins.asked == 2


@pytest.mark.parametrize(
    "forged",
    [
        lambda token: signed(token, "another secret"),
        lambda token: signed(token, ""),
        lambda token: signed(token).rstrip("="),
        lambda token: signed(token) + "=",
        lambda token: f"{token}.",
        lambda token: signed(token).removeprefix(token),
        lambda token: f"{token}.{b64encode(bytes(32)).decode()}",
        lambda token: f"{token}.{urlsafe_b64encode(bytes(32)).decode()}",
        lambda token: f"{signed(token)}.{signed(token)}",
        lambda token: signed(token).replace(".", "%252E"),
        lambda token: f"{token}.é",
        lambda token: f"{token}.\ud800",
        lambda token: f"{token}\x00{signed(token)[len(token) :]}",
        lambda token: signed(token + "\x00"),
        lambda token: signed("é" + token),
        lambda token: signed(token) * 100,
        lambda token: signed(token * 300),
    ],
)
async def test_without_a_right_signature_the_tables_are_not_asked(forged: type[str]) -> None:
    trial = Trial()
    token = forged(trial.sign_in())
    for name in COOKIES:
        with pytest.raises(Unauthenticated):
            await trial.with_cookies({name: token})
    with pytest.raises(Unauthenticated):
        await trial.with_bearer(token)
    assert trial.sign_ins.asked == 0


@pytest.mark.parametrize("origin", [None, FRONTEND, "https://chat.example", "HTTPS://CHAT.EXAMPLE"])
async def test_a_cookie_counts_from_an_allowed_origin_and_from_none(origin: str | None) -> None:
    trial = Trial()
    assert await trial.with_cookies({COOKIES[1]: signed(trial.sign_in())}, origin) == "alice"


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "null",
        "",
        "http://localhost:3001",
        "https://localhost:3000",
        "http://localhost:3000.evil.example",
        "http://localhost:3000/",
        "http://localhost:3000, https://evil.example",
        "http://localhost:3000 https://evil.example",
        "*",
    ],
)
async def test_a_cookie_from_a_foreign_origin_is_forbidden(origin: str) -> None:
    trial = Trial()
    cookies = {COOKIES[1]: signed(trial.sign_in())}
    for _ in range(2):
        with pytest.raises(Forbidden):
            await trial.with_cookies(cookies, origin)


async def test_a_bearer_token_counts_from_anywhere_and_leaves_the_cookie_out() -> None:
    trial = Trial()
    credentials = Credentials(
        authorization=(f"Bearer {signed(trial.sign_in('alice'))}",),
        cookies={COOKIES[1]: signed(trial.sign_in("bob"))},
        origin="https://anywhere.example",
    )
    assert (await trial.authenticator.authenticate(credentials)).user_id == "alice"


async def test_a_refused_bearer_token_is_not_made_good_by_a_cookie() -> None:
    trial = Trial()
    credentials = Credentials(
        authorization=("Bearer nonsense",), cookies={COOKIES[1]: signed(trial.sign_in("bob"))}
    )
    with pytest.raises(Unauthenticated):
        await trial.authenticator.authenticate(credentials)


async def test_the_tables_are_asked_once_in_ten_seconds() -> None:
    trial = Trial()
    token = signed(trial.sign_in())
    for _ in range(100):
        assert await trial.with_bearer(token) == "alice"
        trial.clocks.advance(1)
    assert trial.sign_ins.asked == 100 / LASTING


async def test_who_signs_out_is_refused_within_ten_seconds() -> None:
    trial = Trial()
    token = signed(trial.sign_in())
    assert await trial.with_bearer(token) == "alice"
    trial.sign_ins.recorded.clear()
    trial.clocks.advance(LASTING)
    with pytest.raises(Unauthenticated):
        await trial.with_bearer(token)


async def test_an_answer_counts_from_when_it_was_asked_for() -> None:
    """Who signs out while a slow answer is under way is refused ten seconds later all the same."""
    trial = Trial()
    token = signed(trial.sign_in())

    async def slow(inner: str) -> SignIn | None:
        found = await trial.sign_ins.look_up(inner)
        trial.clocks.advance(LASTING - 1)
        return found

    authenticator = BetterAuthAuthenticator(
        SECRET, slow, origins=[], now=trial.clocks.now, monotonic=trial.clocks.monotonic
    )
    assert await authenticator.authenticate(bearing(token))
    trial.sign_ins.recorded.clear()
    trial.clocks.advance(1)
    with pytest.raises(Unauthenticated):
        await authenticator.authenticate(bearing(token))


async def test_a_hundred_simultaneous_callers_ask_once() -> None:
    trial = Trial()
    token = signed(trial.sign_in())
    assert set(await asyncio.gather(*(trial.with_bearer(token) for _ in range(100)))) == {"alice"}
    assert trial.sign_ins.asked == 1


async def test_a_caller_who_leaves_takes_nobody_elses_answer_along() -> None:
    trial, released = Trial(), asyncio.Event()

    async def slow(inner: str) -> SignIn | None:
        await released.wait()
        return await trial.sign_ins.look_up(inner)

    authenticator = BetterAuthAuthenticator(SECRET, slow, origins=[], now=trial.clocks.now)
    token = signed(trial.sign_in())
    leaving = asyncio.create_task(authenticator.authenticate(bearing(token)))
    staying = asyncio.create_task(authenticator.authenticate(bearing(token)))
    await asyncio.sleep(0)
    leaving.cancel()
    await asyncio.wait({leaving})
    released.set()
    assert (await staying).user_id == "alice"


async def test_a_database_that_is_away_is_said_so_and_asked_again() -> None:
    trial, away = Trial(), True

    async def flaky(inner: str) -> SignIn | None:
        if away:
            raise DatabaseUnavailable
        return await trial.sign_ins.look_up(inner)

    authenticator = BetterAuthAuthenticator(
        SECRET, flaky, origins=[], now=trial.clocks.now, monotonic=trial.clocks.monotonic
    )
    token = signed(trial.sign_in())
    with pytest.raises(DatabaseUnavailable):
        await authenticator.authenticate(bearing(token))
    away = False
    assert await authenticator.authenticate(bearing(token))


async def test_a_session_ends_to_the_second_though_it_is_remembered() -> None:
    trial = Trial()
    token = trial.sign_in()
    trial.sign_ins.recorded[token] = SignIn(
        user_id="alice", expires_at=trial.clocks.now() + timedelta(seconds=3)
    )
    assert await trial.with_bearer(signed(token)) == "alice"
    trial.clocks.advance(3)
    with pytest.raises(Unauthenticated):
        await trial.with_bearer(signed(token))


@pytest.mark.parametrize("user", ["", "~alice", "a b", "a/b"])
async def test_a_user_that_cannot_be_one_here_is_refused(user: str) -> None:
    trial = Trial()
    with pytest.raises(Unauthenticated):
        await trial.with_bearer(signed(trial.sign_in(user)))


async def test_what_is_remembered_is_bounded_and_no_token_is_in_it() -> None:
    trial = Trial()
    tokens = [signed(trial.sign_in(f"user{number}")) for number in range(CAPACITY + 50)]
    for token in tokens:
        await trial.with_bearer(token)
    remembered = trial.authenticator._lookups._answers
    assert len(remembered) == CAPACITY
    assert not any(
        token.encode() in key or key in token.encode() for token in tokens[-5:] for key in remembered._entries
    )


def test_an_empty_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="empty"):
        BetterAuthAuthenticator("", SignIns().look_up, origins=[])
