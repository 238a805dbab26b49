"""A real Better Auth server signs people up, in and out, and our authenticators keep up with it."""

import asyncio
from base64 import urlsafe_b64decode
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from urllib.parse import unquote
from uuid import uuid4

import httpx
import msgspec
import psycopg
import pytest

from adapters.auth.better_auth import BetterAuthAuthenticator
from adapters.auth.dispatch import AuthenticatorByShape
from adapters.auth.jwks import JwksAuthenticator
from adapters.auth.key_set_cache import EVERY
from adapters.auth.lookups import LASTING
from adapters.postgres.better_auth import BetterAuthSignIns
from adapters.postgres.database import Database as Connections
from adapters.postgres.schema_source import statement
from chatcore.errors import DatabaseUnavailable, Forbidden, Unauthenticated
from chatcore.ports.authenticator import Authenticator, Credentials
from tests.better_auth.rig import ROTATION_SECONDS, SECRET, Absent, BetterAuth, installed, running
from tests.contract.authenticator.doors import bearing
from tests.databases import Database, Databases

pytestmark = pytest.mark.anyio

FRONTEND = "http://localhost:3000"


@pytest.fixture(scope="module")
def tables(database_server: Databases) -> Iterator[Database]:
    with database_server.fresh(migrated=False) as database:
        yield database


@pytest.fixture(scope="module", params=[False, True], ids=["http", "https"])
def better_auth(tables: Database, request: pytest.FixtureRequest) -> Iterator[BetterAuth]:
    try:
        directory = installed()
    except Absent as why:
        pytest.skip(f"Better Auth is not tried: {why}")
    with running(directory, tables.owner_url, secure_cookies=request.param) as server:
        with psycopg.connect(tables.owner_url) as owner:
            owner.execute(f'GRANT SELECT ON "session", "user" TO "{tables.app}"')
        yield server


class Person:
    """Somebody with a browser."""

    def __init__(self, server: BetterAuth, browser: httpx.AsyncClient) -> None:
        self.server = server
        self.browser = browser
        self.id = ""
        self.bare_token = ""
        self.cookies: dict[str, str] = {}
        self.bearer_token = ""

    async def post(self, path: str, **body: str) -> httpx.Response:
        headers = {"origin": self.server.url, "cookie": "; ".join(f"{k}={v}" for k, v in self.cookies.items())}
        response = await self.browser.post(f"{self.server.url}/api/auth{path}", json=body, headers=headers)
        response.raise_for_status()
        return response

    async def sign_up(self) -> None:
        email = f"{uuid4().hex}@example.org"
        response = await self.post("/sign-up/email", name="Ada", email=email, password="correct horse battery")
        self.id = response.json()["user"]["id"]
        self.bare_token = response.json()["token"]
        self.bearer_token = response.headers["set-auth-token"]
        for line in response.headers.get_list("set-cookie"):
            name, _, value = line.partition(";")[0].partition("=")
            self.cookies[name] = value

    async def token(self) -> str:
        """Return a fresh token of the JWT plugin."""
        headers = {"authorization": f"Bearer {self.bearer_token}"}
        response = await self.browser.get(f"{self.server.url}/api/auth/token", headers=headers)
        response.raise_for_status()
        return str(response.json()["token"])


class Clock:
    """Seconds that pass by themselves and may be made to jump."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time() + self.ahead


@pytest.fixture
async def person(better_auth: BetterAuth, anyio_backend: str) -> AsyncIterator[Person]:
    del anyio_backend
    async with httpx.AsyncClient() as browser:
        person = Person(better_auth, browser)
        await person.sign_up()
        yield person


@pytest.fixture
def clock() -> Clock:
    return Clock()


@asynccontextmanager
async def authenticating(url: str, better_auth: BetterAuth, clock: Clock) -> AsyncIterator[Authenticator]:
    """Yield what a server configured for both kinds of Better Auth's credentials goes by."""
    async with AsyncExitStack() as stack:
        database = Connections(url, max_size=2)
        await database.open()
        stack.push_async_callback(database.close)
        key_set = JwksAuthenticator(
            better_auth.key_set_url,
            issuer=better_auth.url,
            audience=better_auth.url,
            monotonic=clock.monotonic,
        )
        await key_set.open()
        stack.push_async_callback(key_set.close)
        sessions = BetterAuthAuthenticator(
            SECRET, BetterAuthSignIns(database), origins=[FRONTEND], monotonic=clock.monotonic
        )
        yield AuthenticatorByShape(key_set=key_set, sessions=sessions)


@pytest.fixture
async def authenticator(
    tables: Database, better_auth: BetterAuth, clock: Clock, anyio_backend: str
) -> AsyncIterator[Authenticator]:
    del anyio_backend
    async with authenticating(tables.app_url, better_auth, clock) as one:
        yield one


async def user(authenticator: Authenticator, credentials: Credentials) -> str | None:
    try:
        return (await authenticator.authenticate(credentials)).user_id
    except Unauthenticated:
        return None


def key_id(token: str) -> str:
    header = urlsafe_b64decode(token.split(".", maxsplit=1)[0] + "==")
    return str(msgspec.json.decode(header)["kid"])


async def test_its_cookie_is_believed_under_the_name_it_has(
    person: Person, authenticator: Authenticator
) -> None:
    name = "better-auth.session_token"
    assert list(person.cookies) == [f"__Secure-{name}" if person.server.secure_cookies else name]
    assert await user(authenticator, Credentials(cookies=person.cookies, origin=FRONTEND)) == person.id
    decoded = {name: unquote(value) for name, value in person.cookies.items()}
    assert await user(authenticator, Credentials(cookies=decoded)) == person.id


async def test_its_cookie_is_forbidden_from_a_foreign_origin(
    person: Person, authenticator: Authenticator
) -> None:
    with pytest.raises(Forbidden):
        await authenticator.authenticate(Credentials(cookies=person.cookies, origin="https://evil.example"))


async def test_its_signed_token_is_believed_and_its_bare_one_is_not(
    person: Person, authenticator: Authenticator
) -> None:
    (cookie,) = person.cookies.values()
    assert await user(authenticator, bearing(person.bearer_token)) == person.id
    assert await user(authenticator, bearing(cookie)) == person.id
    assert await user(authenticator, bearing(unquote(cookie))) == person.id
    assert unquote(cookie).startswith(person.bare_token + ".")
    assert await user(authenticator, bearing(person.bare_token)) is None


async def test_a_session_is_nobodys_with_another_signature(
    person: Person, authenticator: Authenticator
) -> None:
    async with httpx.AsyncClient() as browser:
        other = Person(person.server, browser)
        await other.sign_up()
    signature = unquote(other.bearer_token).partition(".")[2]
    assert await user(authenticator, bearing(f"{person.bare_token}.{signature}")) is None


async def test_its_tokens_are_believed(person: Person, authenticator: Authenticator) -> None:
    assert await user(authenticator, bearing(await person.token())) == person.id


async def test_its_tokens_are_not_believed_from_another_issuer_or_for_another_audience(
    person: Person,
) -> None:
    token = await person.token()
    other = "https://other.example"
    for authenticator in (
        JwksAuthenticator(person.server.key_set_url, issuer=other),
        JwksAuthenticator(person.server.key_set_url, audience=other),
    ):
        await authenticator.open()
        assert await user(authenticator, bearing(token)) is None
        await authenticator.close()


async def test_who_signs_out_is_refused_within_ten_seconds(
    person: Person, authenticator: Authenticator, clock: Clock
) -> None:
    for_both = Credentials(cookies=person.cookies), bearing(person.bearer_token)
    assert [await user(authenticator, one) for one in for_both] == [person.id] * 2
    await person.post("/sign-out")
    clock.ahead += LASTING
    assert [await user(authenticator, one) for one in for_both] == [None] * 2


async def test_a_session_of_a_user_who_is_gone_is_refused(
    person: Person, authenticator: Authenticator, tables: Database
) -> None:
    with psycopg.connect(tables.owner_url) as owner:
        owner.execute('DELETE FROM "user" WHERE id = %s', (person.id,))
    assert await user(authenticator, bearing(person.bearer_token)) is None


async def test_a_session_that_has_expired_is_refused(
    person: Person, authenticator: Authenticator, tables: Database
) -> None:
    with psycopg.connect(tables.owner_url) as owner:
        owner.execute('UPDATE "session" SET "expiresAt" = now() WHERE "userId" = %s', (person.id,))
    assert await user(authenticator, bearing(person.bearer_token)) is None


async def test_a_rotated_key_is_followed_within_thirty_seconds(
    person: Person, authenticator: Authenticator, clock: Clock
) -> None:
    old = await person.token()
    assert await user(authenticator, bearing(old)) == person.id
    await asyncio.sleep(ROTATION_SECONDS + 0.5)
    new = await person.token()
    assert key_id(new) != key_id(old)
    clock.ahead += EVERY
    assert await user(authenticator, bearing(new)) == person.id
    assert await user(authenticator, bearing(old)) == person.id


async def test_a_withdrawn_key_is_refused_within_thirty_seconds(
    person: Person, authenticator: Authenticator, clock: Clock, tables: Database
) -> None:
    old = await person.token()
    assert await user(authenticator, bearing(old)) == person.id
    with psycopg.connect(tables.owner_url) as owner:
        owner.execute('DELETE FROM "jwks"')
    clock.ahead += EVERY
    assert await user(authenticator, bearing(await person.token())) == person.id
    assert await user(authenticator, bearing(old)) is None


async def test_the_look_up_goes_through_an_index(person: Person, tables: Database) -> None:
    query = statement("better_auth/sign_in").replace(b"$1", b"%s")
    with psycopg.connect(tables.app_url) as app:
        # A handful of rows is read as a whole unless that is made dear.
        app.execute("SET enable_seqscan = off")
        plan = app.execute(b"EXPLAIN " + query, (person.bare_token,)).fetchall()
    assert "session_token_key" in str(plan)
    assert "user_pkey" in str(plan)
    assert "Seq Scan" not in str(plan)


async def test_tables_that_cannot_be_read_are_said_so_and_refuse_nobody_for_good(
    person: Person, tables: Database, clock: Clock, database: Database
) -> None:
    del tables
    async with authenticating(database.app_url, person.server, clock) as authenticator:
        with pytest.raises(DatabaseUnavailable):
            await authenticator.authenticate(bearing(person.bearer_token))
