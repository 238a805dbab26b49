"""A user is told what was spent, and forgotten on request: nothing is left, nothing that runs brings anything back."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest
from psycopg import sql

from adapters.postgres.api_keys import PostgresApiKeyStore
from adapters.scripted.model import Reply
from chatcore.api_key import ApiKey, ApiKeyText
from chatcore.principal import Scope
from tests.databases import Database
from tests.http.conftest import Serve
from tests.http.served import Served, events, problem, wait_until
from tests.integration.postgres.catalogue import tables

CHAT, ALICE = "/api/alice/chat", "/api/alice"
STREAM = {"accept": "text/event-stream"}
HI = {"message": "Hi"}


def rows(database: Database, owner: str) -> dict[str, int]:
    """Return how many rows an owner has in each table that the catalogue knows, where there are any."""
    found = {}
    with psycopg.connect(database.superuser_url) as superuser:
        for table in tables(superuser):
            query = sql.SQL("SELECT count(*) FROM {} WHERE owner = %s").format(
                sql.Identifier("chatcore", table)
            )
            row = superuser.execute(query, (owner,)).fetchone()
            if row is not None and row[0]:
                found[table] = int(str(row[0]))
    return found


def key_of(server: Served, owner: str, *scopes: Scope) -> str:
    """Record an API key and return its text."""
    text = ApiKeyText.fresh(owner, uuid4(), uuid4().bytes + uuid4().bytes)
    key = ApiKey(
        owner=owner, id=text.id, name="of a program", scopes=frozenset(scopes), created_at=datetime.now(UTC)
    )
    store: PostgresApiKeyStore = server.container.api_keys()
    asyncio.run_coroutine_threadsafe(store.add(key, text), server.loop).result(10)
    return text.text


def bearing(server: Served, key: str) -> httpx.Client:
    return server.client(authorization=f"Bearer {key}")


def test_nothing_is_left_of_a_user_in_any_table(serve: Serve, database: Database) -> None:
    server = serve(rate_limit="1200/minute", daily_tokens=100_000)
    alice = server.client("alice")
    for user in ("alice", "bob"):
        server.client(user).post(f"/api/{user}/chat", json=HI).raise_for_status()
        key_of(server, user, Scope.READ)
    before = rows(database, "bob")
    assert set(rows(database, "alice")) >= {"app_user", "turn", "message", "model_call", "token_day", "api_key"}
    erased = alice.delete(ALICE)
    assert (erased.status_code, erased.content) == (204, b"")
    assert rows(database, "alice") == {}
    # Bob's entries may have been gathered still.
    assert rows(database, "bob") | {"audit_log": 0} == before | {"audit_log": 0}
    assert alice.get(ALICE + "/conversations").json()["items"] == []


def test_forgetting_again_is_as_good(common: Served) -> None:
    for _ in range(2):
        assert common.client("zoe").delete("/api/zoe").status_code == 204


def test_nobody_forgets_another(common: Served) -> None:
    common.client("alice").post(CHAT, json=HI)
    problem(common.client().delete(ALICE), 401, "unauthenticated")
    problem(common.client("bob").delete(ALICE), 403, "forbidden")
    problem(common.client("bob").delete("/api/a b"), 422, "invalid-request")
    assert common.client("alice").get(ALICE + "/conversations").json()["items"] != []


def test_a_key_that_is_not_for_it_forgets_nobody(serve: Serve, database: Database) -> None:
    server = serve()
    server.client("alice").post(CHAT, json=HI)
    for scopes in ((Scope.READ,), (Scope.WRITE,), (Scope.READ, Scope.WRITE)):
        problem(bearing(server, key_of(server, "alice", *scopes)).delete(ALICE), 403, "forbidden")
    assert rows(database, "alice")["message"] == 2
    eraser = bearing(server, key_of(server, "alice", Scope.ERASE))
    problem(eraser.post(CHAT, json=HI), 403, "forbidden")
    problem(eraser.get(ALICE + "/usage"), 403, "forbidden")
    assert eraser.delete(ALICE).status_code == 204


def test_a_key_opens_nothing_elsewhere_once_its_user_is_forgotten(serve: Serve) -> None:
    server, other = serve(), serve()
    client = bearing(server, key := key_of(server, "alice", *Scope))
    assert client.delete(ALICE).status_code == 204
    problem(bearing(other, key).get(ALICE + "/conversations"), 401, "unauthenticated")


@pytest.mark.chaos
def test_a_key_that_was_just_used_is_refused_within_ten_seconds(serve: Serve) -> None:
    server = serve()
    client = bearing(server, key_of(server, "alice", *Scope))
    assert client.delete(ALICE).status_code == 204
    until = time.monotonic() + 10
    while client.get(ALICE + "/conversations").status_code == 200:
        assert time.monotonic() < until
        time.sleep(0.2)
    problem(client.get(ALICE + "/conversations"), 401, "unauthenticated")


@pytest.mark.parametrize("elsewhere", [False, True], ids=["here", "on another server"])
def test_a_turn_that_runs_ends_for_its_reader_and_leaves_nothing(
    serve: Serve, database: Database, *, elsewhere: bool
) -> None:
    held = asyncio.Event()
    server = serve(Reply(pieces=("One ", "two."), hold=held, hold_after=1))
    eraser = serve() if elsewhere else server
    with server.client("alice").stream("POST", CHAT, json=HI, headers=STREAM) as stream:
        heard = events(stream)
        turn = UUID(next(heard).data["turn_id"])
        assert next(heard).data == {"text": "One "}
        assert eraser.client("alice").delete(ALICE).status_code == 204
        last = list(heard)[-1]
    assert last.name == "error"
    assert last.data["problem"]["type"] == "/problems/turn-not-found"
    wait_until(lambda: server.container.speaker().find("alice", turn) is None)
    assert rows(database, "alice") == {}


def test_who_waits_for_a_whole_reply_is_told(serve: Serve, database: Database) -> None:
    server = serve(Reply(pieces=("Never.",), hold=asyncio.Event()))
    with ThreadPoolExecutor(1) as waiting:
        asked = waiting.submit(server.client("alice").post, CHAT, json=HI)
        wait_until(lambda: rows(database, "alice"))
        assert server.client("alice").delete(ALICE).status_code == 204
        problem(asked.result(10), 404, "turn-not-found")
    assert rows(database, "alice") == {}


def test_a_browser_may_ask_for_it(common: Served) -> None:
    wish = {"origin": "http://localhost:3000", "access-control-request-method": "DELETE"}
    allowed = common.client().options(ALICE, headers=wish)
    assert "DELETE" in allowed.headers["access-control-allow-methods"]
    assert common.client().options(ALICE).headers["allow"] == "DELETE, OPTIONS"
    assert common.client("alice").get(ALICE).status_code == 405


def test_what_was_spent_is_told_by_the_ledger_where_nothing_bounds_a_day(common: Served) -> None:
    client = common.client("uma")
    usage = [client.post("/api/uma/chat", json=HI).json()["usage"] for _ in range(2)]
    today = datetime.now(UTC).date()
    told = client.get("/api/uma/usage")
    assert told.headers["cache-control"] == "no-store"
    asked, said = (sum(one[name] for one in usage) for name in ("input_tokens", "output_tokens"))
    assert told.json() == {
        "day": str(today),
        "spent": asked + said,
        "reserved": 0,
        "limit": None,
        "renews_at": f"{today + timedelta(days=1)}T00:00:00Z",
        "items": [{"day": str(today), "input_tokens": asked, "output_tokens": said, "calls": 2}],
    }


def test_what_is_left_of_a_day_can_be_reckoned_from_it(serve: Serve) -> None:
    client = serve(daily_tokens=5_000).client("alice")
    usage = client.post(CHAT, json=HI).json()["usage"]
    told = client.get(ALICE + "/usage").json()
    assert (told["limit"], told["reserved"]) == (5_000, 0)
    assert told["spent"] == usage["input_tokens"] + usage["output_tokens"]


def test_who_asked_nothing_has_spent_nothing(common: Served) -> None:
    told = common.client("nobody").get("/api/nobody/usage").json()
    assert (told["spent"], told["items"]) == (0, [])


def test_only_the_user_is_told_what_was_spent(common: Served) -> None:
    problem(common.client().get(ALICE + "/usage"), 401, "unauthenticated")
    problem(common.client("bob").get(ALICE + "/usage"), 403, "forbidden")
    reader = bearing(common, key_of(common, "alice", Scope.READ))
    assert reader.get(ALICE + "/usage").status_code == 200
