"""Authentication as a client meets it, over a real connection, with every kind of credential configured."""

import asyncio
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from adapters.postgres.api_keys import PostgresApiKeyStore
from adapters.postgres.database import Database as Connections
from chatcore.api_key import ApiKey, ApiKeyText
from chatcore.principal import Scope
from tests.contract.authenticator.doors import FRONTEND, signed
from tests.contract.authenticator.forged import forged_tokens
from tests.contract.authenticator.issuer import eddsa_mint
from tests.contract.authenticator.mint import AUDIENCE, ISSUER, SECRET, Mint, hs256_mint
from tests.databases import Database, Databases
from tests.http.conftest import serving
from tests.http.served import Served

LIST = "/api/alice/conversations"
LONGEST_HEADER = 60_100
TABLES = (Path(__file__).parent / "better_auth_tables.sql").read_bytes()


def now() -> float:
    return datetime.now(UTC).timestamp()


@pytest.fixture(scope="module")
def home(database_server: Databases) -> Iterator[Database]:
    """A database with Better Auth's tables beside ours."""
    with database_server.fresh() as database:
        with psycopg.connect(database.owner_url) as owner:
            owner.execute(TABLES)
            owner.execute(f'GRANT SELECT ON "session", "user" TO "{database.app}"')
        yield database


@pytest.fixture(scope="module")
def server(home: Database) -> Iterator[Served]:
    with serving(home) as start:
        yield start(
            auth_jwt_secret=SECRET,
            auth_issuer=ISSUER,
            auth_audience=AUDIENCE,
            better_auth_secret=SECRET,
        )


def status(server: Served, *lines: bytes, path: str = LIST) -> int:
    """Return the status of a GET with these header lines, byte for byte."""
    head = b"\r\n".join([f"GET {path} HTTP/1.1".encode(), b"host: x", b"connection: close", *lines])
    return int(server.exchange(head + b"\r\n\r\n", until_close=True).split(b" ", 2)[1])


def bearer(token: str) -> Mapping[str, str]:
    return {"authorization": f"Bearer {token}"}


def good_token() -> str:
    return hs256_mint().token(hs256_mint().claims(now()))


def test_a_good_token_is_let_in(server: Served) -> None:
    assert status(server, f"authorization: Bearer {good_token()}".encode()) == 200


@pytest.mark.parametrize("mint", [hs256_mint(), eddsa_mint()], ids=["HS256", "EdDSA"])
def test_every_forged_token_is_401(server: Served, mint: Mint) -> None:
    statuses = {}
    for name, token in forged_tokens(mint, now()).items():
        line = b"authorization: Bearer " + token.encode("utf-8", "surrogatepass")
        # What no header line can hold is refused by the HTTP parser before anybody sees it.
        if len(line) <= LONGEST_HEADER and not set(line) & set(b"\r\n\x00"):
            statuses[name] = status(server, line)
    assert {name: told for name, told in statuses.items() if told != 401} == {}
    assert len(statuses) > 140


def test_a_refusal_is_a_problem_that_says_how_to_do_it_and_nothing_else(server: Served) -> None:
    response = server.client().get(LIST, headers=bearer(good_token()[:-3]))
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == "Bearer"
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["type"] == "/problems/unauthenticated"
    assert SECRET not in response.text
    assert "Error" not in response.text


@pytest.mark.parametrize(
    "lines",
    [
        (),
        (b"authorization: Bearer %s", b"authorization: Bearer %s"),
        (b"authorization: Bearer %s", b"authorization: Basic eDp5"),
        (b"authorization: Bearer", b"authorization: Bearer %s"),
        (b"authorization: Bearer %s, Bearer %s",),
        (b"authorization: %s",),
        (b"authorization: Basic %s",),
        (b"authorization: Bearer \xff\xfe%s",),
        (b"proxy-authorization: Bearer %s",),
        (b"x-authorization: Bearer %s",),
        (b"x-forwarded-user: alice",),
        (b"x-remote-user: alice",),
        (b"remote-user: alice",),
        (b"x-forwarded-access-token: %s",),
        (b"x-user-id: alice",),
        (b"cookie: token=%s; authorization=Bearer %s; session=%s",),
        (b"cookie: better-auth.session_token=%s",),
    ],
)
def test_a_good_token_in_a_wrong_place_is_401(server: Served, lines: tuple[bytes, ...]) -> None:
    token = good_token().encode()
    assert status(server, *(line.replace(b"%s", token) for line in lines)) == 401


@pytest.mark.parametrize("name", ["token", "access_token", "authorization", "bearer", "jwt"])
def test_a_good_token_in_the_query_is_401(server: Served, name: str) -> None:
    assert status(server, path=f"{LIST}?{name}={good_token()}") == 401


def test_another_users_token_is_403(server: Served) -> None:
    token = hs256_mint().token(hs256_mint().claims(now(), sub="bob"))
    assert status(server, f"authorization: Bearer {token}".encode()) == 403


def sign_in(home: Database, user: str) -> str:
    """Record a session as Better Auth does, and return its token."""
    token = uuid4().hex
    with psycopg.connect(home.owner_url) as owner:
        owner.execute('INSERT INTO "user" (id) VALUES (%s) ON CONFLICT DO NOTHING', (user,))
        owner.execute(
            'INSERT INTO "session" (id, token, "expiresAt", "userId") VALUES (%s, %s, %s, %s)',
            (uuid4().hex, token, datetime.now(UTC) + timedelta(hours=1), user),
        )
    return token


@pytest.mark.parametrize(
    ("origin", "expected"), [(None, 200), (FRONTEND, 200), ("https://evil.example", 403), ("null", 403)]
)
@pytest.mark.parametrize("name", ["better-auth.session_token", "__Secure-better-auth.session_token"])
def test_a_session_cookie_counts_from_our_own_pages(
    server: Served, home: Database, name: str, origin: str | None, expected: int
) -> None:
    cookie = f"cookie: a=b; {name}={signed(sign_in(home, 'alice')).replace('=', '%3D')}; c=d"
    lines = [cookie.encode()] + ([] if origin is None else [f"origin: {origin}".encode()])
    assert status(server, *lines) == expected


def test_a_session_token_is_let_in_as_bearer(server: Served, home: Database) -> None:
    assert server.client().get(LIST, headers=bearer(signed(sign_in(home, "alice")))).status_code == 200
    assert server.client().get(LIST, headers=bearer(signed(sign_in(home, "bob")))).status_code == 403
    assert server.client().get(LIST, headers=bearer(sign_in(home, "alice"))).status_code == 401


def api_key(home: Database, user: str, *scopes: Scope) -> str:
    text = ApiKeyText.fresh(user, uuid4(), uuid4().bytes + uuid4().bytes)
    key = ApiKey(owner=user, id=text.id, name="test", scopes=frozenset(scopes), created_at=datetime.now(UTC))

    async def add() -> None:
        connections = Connections(home.app_url, max_size=1)
        await connections.open()
        await PostgresApiKeyStore(connections).add(key, text)
        await connections.close()

    asyncio.run(add())
    return text.text


def test_a_key_for_reading_reads_and_one_for_writing_writes(server: Served, home: Database) -> None:
    client, body = server.client(), {"message": "Hi"}
    reading, writing = api_key(home, "alice", Scope.READ), api_key(home, "alice", Scope.WRITE)
    assert client.get(LIST, headers=bearer(reading)).status_code == 200
    assert client.post("/api/alice/chat", json=body, headers=bearer(reading)).status_code == 403
    assert client.get(LIST, headers=bearer(writing)).status_code == 403
    assert client.post("/api/alice/chat", json=body, headers=bearer(writing)).status_code == 200
    assert client.get("/api/bob/conversations", headers=bearer(reading)).status_code == 403


def test_a_key_that_nobody_has_is_401(server: Served) -> None:
    text = ApiKeyText.fresh("alice", uuid4(), bytes(32)).text
    assert server.client().get(LIST, headers=bearer(text)).status_code == 401
