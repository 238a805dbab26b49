"""Every action of somebody who is known leaves one row, in their name, and nothing of what was said in it."""

import asyncio
import io
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from psycopg.rows import dict_row

from adapters.scripted.model import Reply, ScriptedLanguageModel
from chatcore.principal import Scope
from entrypoints.container import Container
from entrypoints.settings import Settings, Switch
from tests.databases import Database
from tests.http.conftest import Serve
from tests.http.served import SECRET, Served, served, token, wait_until
from tests.http.test_account import key_of, rows
from tests.http.test_tenants import templates

CHAT = "/api/alice/chat"
HI = {"message": "the-words-of-alice"}
ERASURE = "DELETE /api/{user_id}"


def trail_of(server: Served, database: Database, owner: str | None = None) -> list[dict[str, Any]]:
    """Return the rows that a server has written, oldest first, after having it write them."""
    trail = server.container.trail()
    assert trail is not None
    asyncio.run_coroutine_threadsafe(trail.flush(), server.loop).result(10)
    with psycopg.connect(database.superuser_url, row_factory=dict_row) as superuser:
        found = superuser.execute("SELECT * FROM chatcore.audit_log ORDER BY id").fetchall()
    return [row for row in found if owner in {None, row["owner"]}]


def lines_of(lines: io.StringIO) -> list[dict[str, Any]]:
    written = [json.loads(line) for line in lines.getvalue().splitlines()]
    return [line for line in written if line["event"] == "request"]


def away(database: Database, *, gone: bool) -> None:
    """Have the database refuse everybody, or let them in again."""
    parts = urlsplit(database.superuser_url)
    with psycopg.connect(urlunsplit(parts._replace(path="/postgres")), autocommit=True) as superuser:
        allow = sql.SQL("false" if gone else "true")
        name = sql.Identifier(database.name)
        superuser.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}").format(name, allow))
        superuser.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (database.name,)
        )


@dataclass(frozen=True, slots=True)
class Deed:
    """A request of somebody who is known, and how it ends."""

    method: str
    template: str
    status: int
    problem: str | None = None
    ids: Mapping[str, str] | None = None
    body: Mapping[str, object] | None = None
    user: str = "alice"


def deeds(conversation: str, turn: str) -> Iterator[Deed]:
    """Yield each authenticated route as oneself, with ids of nothing, and as somebody else."""
    base, absent = "/api/{user_id}", str(uuid4())
    one, its_turn = f"{base}/conversations/{{conversation_id}}", f"{base}/turns/{{turn_id}}"
    title = {"title": "mine"}
    there: dict[str, str] = {"conversation_id": conversation, "turn_id": turn}
    nowhere = dict.fromkeys(there, absent)
    for method in ("GET", "HEAD"):
        yield Deed(method, f"{base}/conversations", 200)
        yield Deed(method, f"{base}/usage", 200)
        for template in (one, f"{one}/messages", its_turn, f"{its_turn}/events"):
            missing = "conversation-not-found" if "conversation" in template else "turn-not-found"
            yield Deed(method, template, 200, ids=there)
            yield Deed(method, template, 404, missing, ids=nowhere)
            yield Deed(method, template, 403, "forbidden", ids=there, user="eve")
        yield Deed(method, f"{base}/conversations", 403, "forbidden", user="eve")
        yield Deed(method, f"{base}/usage", 403, "forbidden", user="eve")
    yield Deed("POST", f"{its_turn}/cancel", 200, ids=there)
    yield Deed("POST", f"{its_turn}/cancel", 404, "turn-not-found", ids=nowhere)
    yield Deed("POST", f"{its_turn}/cancel", 403, "forbidden", ids=there, user="eve")
    yield Deed("POST", f"{base}/chat", 422, "invalid-request", body={"message": ""})
    yield Deed("POST", f"{base}/chat", 415, "media-type-not-supported")
    yield Deed("POST", f"{base}/chat", 404, "conversation-not-found", body={**HI, "conversation_id": absent})
    yield Deed("POST", f"{base}/chat", 403, "forbidden", body=HI, user="eve")
    yield Deed("PATCH", one, 200, ids=there, body=title)
    yield Deed("PATCH", one, 422, "invalid-request", ids=there, body={"title": ""})
    yield Deed("PATCH", one, 404, "conversation-not-found", ids=nowhere, body=title)
    yield Deed("PATCH", one, 403, "forbidden", ids=there, body=title, user="eve")
    yield Deed("DELETE", one, 404, "conversation-not-found", ids=nowhere)
    yield Deed("DELETE", one, 403, "forbidden", ids=there, user="eve")
    yield Deed("DELETE", one, 204, ids=there)
    yield Deed("DELETE", base, 403, "forbidden", user="eve")


def test_every_authenticated_route_leaves_one_row_however_it_ends(
    serve: Serve, database: Database, lines: io.StringIO
) -> None:
    server = serve()
    clients = {user: server.client(user, **{"x-request-id": f"of-{user}"}) for user in ("alice", "eve")}
    chat = clients["alice"].post(CHAT, json=HI).json()
    done = list(deeds(chat["conversation_id"], chat["turn_id"]))
    for deed in done:
        ids = {"user_id": "alice", **(deed.ids or {})}
        answer = clients[deed.user].request(deed.method, deed.template.format(**ids), json=deed.body)
        assert answer.status_code == deed.status, (deed, answer.text)
    found = trail_of(server, database)
    first, *others = found
    assert first["action"] == "POST /api/{user_id}/chat"
    assert first["resource"] == {
        "user_id": "alice",
        "conversation_id": chat["conversation_id"],
        "turn_id": chat["turn_id"],
    }
    for deed, row in zip(done, others, strict=True):
        named = {"user_id": "alice"} | {
            name: id_ for name, id_ in (deed.ids or {}).items() if f"{{{name}}}" in deed.template
        }
        assert row | {"id": None, "at": None} == {
            "id": None,
            "at": None,
            "owner": deed.user,
            "method": "hs256",
            "action": f"{deed.method} {deed.template}",
            "resource": named,
            "status": deed.status,
            "problem": deed.problem,
            "request_id": f"of-{deed.user}",
            "address": "127.0.0.1",
        }
    written = lines_of(lines)
    assert [(row["owner"], row["resource"], row["status"]) for row in found] == [
        (line["user_id"], line["resource"], line["status"]) for line in written
    ]
    known = {f"{method} {path}" for method, path in templates(server) if path.startswith("/api/")}
    assert known <= {row["action"] for row in found}
    everything = json.dumps(found, default=str) + lines.getvalue()
    for secret in (HI["message"], "mine", "Yes, it is.", token("alice")[-40:]):
        assert secret not in everything


def test_who_is_not_known_leaves_a_line_and_no_row(
    serve: Serve, database: Database, lines: io.StringIO
) -> None:
    server = serve()
    session = server.client().post("/chat", json=HI).json()["session_id"]
    server.client().get(f"/chat/{session}/turns/{uuid4()}")
    server.client().get("/api/alice/conversations")
    server.client(authorization="Bearer nonsense").post(CHAT, json=HI)
    server.client("alice").get("/api/alice/nothing/here?secret=hunter2")
    server.client("alice").request("OPTIONS", CHAT)
    assert trail_of(server, database) == []
    written = lines_of(lines)
    assert [line["status"] for line in written] == [200, 404, 401, 401, 404, 204]
    assert [line["resource"] for line in written] == [
        None,
        None,
        {"user_id": "alice"},
        {"user_id": "alice"},
        None,
        {"user_id": "alice"},
    ]
    assert session not in lines.getvalue()
    assert "hunter2" not in lines.getvalue()


def test_a_question_too_many_and_one_too_early_are_rows(serve: Serve, database: Database) -> None:
    held = asyncio.Event()
    server = serve(Reply(pieces=("One ", "two."), hold=held, hold_after=1), rate_limit="3/minute")
    alice = server.client("alice")
    with alice.stream("POST", CHAT, json=HI, headers={"accept": "text/event-stream"}) as stream:
        parts = stream.iter_raw()
        next(parts)
        (conversation,) = alice.get("/api/alice/conversations").json()["items"]
        named = {**HI, "conversation_id": conversation["id"]}
        for _ in range(4):
            alice.post(CHAT, json=named)
        server.let(held)
        for _ in parts:
            pass
    ends = [(row["status"], row["problem"]) for row in trail_of(server, database) if "POST" in row["action"]]
    assert (409, "conversation-busy") in ends
    assert ends[-1] == (200, None)
    limited = serve(rate_limit="1/minute").client("bob")
    for _ in range(2):
        limited.post("/api/bob/chat", json=HI)
    wait_until(lambda: len(trail_of(server, database, "bob")) == 2)
    assert [row["problem"] for row in trail_of(server, database, "bob")] == [None, "rate-limited"]


def test_a_key_says_that_it_was_a_key(serve: Serve, database: Database) -> None:
    server = serve()
    key = key_of(server, "alice", Scope.READ)
    client = server.client(authorization=f"Bearer {key}")
    client.get("/api/alice/conversations")
    client.post(CHAT, json=HI)
    client.delete("/api/alice")
    found = [(row["method"], row["status"]) for row in trail_of(server, database)]
    assert found == [("api-key", 200), ("api-key", 403), ("api-key", 403)]
    assert key not in json.dumps(trail_of(server, database), default=str)


@pytest.mark.parametrize(
    "name",
    [
        '"}, {"owner": "bob", "x": "',
        "line\nbreak\r\n{}",
        "nul\0nul",
        "\u2028\x1b[31m",
        "' OR 1=1; DROP TABLE chatcore.audit_log; --",
        "\\u0000\\ud800",
        "é👩\u200d🚀",
        "%00%0a",
    ],
)
def test_no_id_breaks_a_line_or_a_row(serve: Serve, database: Database, lines: io.StringIO, name: str) -> None:
    server = serve()
    server.client("eve").get(f"/api/{quote(name, safe='')}/conversations/{quote(name, safe='')}")
    server.client("eve").get(f"/api/eve/conversations/{quote(name, safe='')}")
    found, written = trail_of(server, database), lines_of(lines)
    assert [row["owner"] for row in found] == ["eve", "eve"]
    told = name if name.isprintable() else repr(name)[1:-1]
    assert [line["resource"]["conversation_id"] for line in written] == [told, told]
    assert [row["resource"]["conversation_id"] for row in found] == [told, told]
    assert lines.getvalue().replace("\n", "").isprintable()
    assert len(lines.getvalue().splitlines()) == 2


def test_ids_of_sixty_kilobytes_and_headers_of_no_text_leave_short_rows(
    serve: Serve, database: Database, lines: io.StringIO
) -> None:
    server = serve()
    head = b"authorization: Bearer %b\r\nhost: x\r\nconnection: close\r\n" % token("eve").encode()
    long = b"GET /api/%b/conversations/%b HTTP/1.1\r\n" % (b"a" * 30_000, b"%0a" * 10_000)
    assert b" 422 " in server.exchange(long + head + b"\r\n")[:20]
    odd = b'x-request-id: \xff\xfe"}\r\nx-forwarded-for: \xff, 1.2.3.4"}\r\nuser-agent: \xc3\x28\r\n'
    assert b" 200 " in server.exchange(b"GET /api/eve/conversations HTTP/1.1\r\n" + head + odd + b"\r\n")[:20]
    wrong = b"GET /api/eve%ff%c3%28/conversations HTTP/1.1\r\n"
    assert b" 403 " in server.exchange(wrong + head + b"\r\n")[:20]
    cut, plain, replaced = trail_of(server, database)
    assert {name: len(id_) for name, id_ in cut["resource"].items()} == {"user_id": 255, "conversation_id": 255}
    assert plain["address"] == "127.0.0.1"
    assert len(plain["request_id"]) == 32
    assert replaced["resource"]["user_id"].startswith("eve\N{REPLACEMENT CHARACTER}")
    assert len(lines_of(lines)) == 3
    assert max(len(line) for line in lines.getvalue().splitlines()) < 4_000


def test_the_address_is_the_client_s_where_a_trusted_proxy_says_so(
    serve: Serve, database: Database, lines: io.StringIO
) -> None:
    forwarded = {"x-forwarded-for": "203.0.113.9, 192.0.2.7"}
    trusting, careful = serve(trusted_proxies=("127.0.0.0/8",)), serve()
    trusting.client("alice", **forwarded).get("/api/alice/conversations")
    careful.client("alice", **forwarded).get("/api/alice/conversations")
    trail_of(trusting, database)
    assert [row["address"] for row in trail_of(careful, database)] == ["192.0.2.7", "127.0.0.1"]
    assert [line["address"] for line in lines_of(lines)] == ["192.0.2.7", "127.0.0.1"]


def test_rows_come_by_themselves_within_a_moment(serve: Serve, database: Database) -> None:
    serve().client("alice").get("/api/alice/conversations")
    wait_until(lambda: rows(database, "alice") == {"app_user": 1, "audit_log": 1})


def test_switched_off_there_are_lines_and_no_rows(serve: Serve, database: Database, lines: io.StringIO) -> None:
    server = serve(audit=Switch.OFF)
    server.client("alice").get("/api/alice/conversations")
    server.stop()
    assert server.container.trail() is None
    assert rows(database, "alice") == {}
    assert [(line["user_id"], line["address"]) for line in lines_of(lines)] == [("alice", "127.0.0.1")]


def test_a_database_that_is_away_for_a_while_costs_no_row(serve: Serve, database: Database) -> None:
    server = serve()
    alice = server.client("alice")
    assert alice.get("/api/alice/conversations").status_code == 200
    away(database, gone=True)
    try:
        statuses = [alice.get("/api/alice/conversations").status_code for _ in range(30)]
    finally:
        away(database, gone=False)
    assert set(statuses) == {503}
    wait_until(lambda: rows(database, "alice") == {"app_user": 1, "audit_log": 31})
    problems = [row["problem"] for row in trail_of(server, database)]
    assert problems == [None] + ["database-unavailable"] * 30


@contextmanager
def stopped_afterwards(database: Database) -> Iterator[Served]:
    settings = Settings(database_url=database.app_url, auth_jwt_secret=SECRET, rate_limit=None)
    model = ScriptedLanguageModel(("Yes.",))
    with served(Container(settings=settings, language_model=model), model) as server:
        yield server


def test_a_server_that_stops_writes_what_it_has_gathered(database: Database) -> None:
    with stopped_afterwards(database) as server:
        for _ in range(20):
            server.client("alice").get("/api/alice/conversations")
    assert rows(database, "alice")["audit_log"] == 20


def test_a_server_that_stops_without_its_database_says_what_is_lost(
    database: Database, lines: io.StringIO
) -> None:
    with stopped_afterwards(database) as server:
        client = server.client("alice")
        assert client.get("/api/alice/conversations").status_code == 200
        wait_until(lambda: rows(database, "alice"))
        away(database, gone=True)
        try:
            for _ in range(3):
                client.get("/api/alice/conversations")
            server.stop()
            wait_until(lambda: "audit entries lost" in lines.getvalue())
        finally:
            away(database, gone=False)
    (lost,) = [json.loads(line) for line in lines.getvalue().splitlines() if "audit entries lost" in line]
    assert (lost["level"], lost["why"], lost["count"]) == ("error", "closed", 3)
    exposition = server.container.metrics().exposition().decode()
    assert 'chatcore_audit_dropped_total{reason="closed"} 3.0' in exposition


def test_erasing_leaves_no_row_although_entries_are_gathered_here_and_elsewhere(
    serve: Serve, database: Database, lines: io.StringIO
) -> None:
    here, there = serve(), serve()
    alice, elsewhere = here.client("alice"), there.client("alice")
    for _ in range(5):
        alice.get("/api/alice/conversations")
        elsewhere.get("/api/alice/conversations")
        elsewhere.post(CHAT, json=HI)
    there.client("eve").get("/api/alice/conversations")
    assert alice.delete("/api/alice").status_code == 204
    for server in (here, there):
        trail_of(server, database)
    assert rows(database, "alice") == {}
    assert [row["owner"] for row in trail_of(here, database)] == ["eve"]
    assert lines_of(lines)[-1]["method"] == "DELETE"
    assert lines_of(lines)[-1]["user_id"] == "alice"


def test_a_stream_that_outlives_its_user_brings_nobody_back(serve: Serve, database: Database) -> None:
    held = asyncio.Event()
    here, there = serve(Reply(pieces=("One ", "two."), hold=held, hold_after=1)), serve()
    with here.client("alice").stream("POST", CHAT, json=HI, headers={"accept": "text/event-stream"}) as stream:
        parts = stream.iter_raw()
        next(parts)
        assert there.client("alice").delete("/api/alice").status_code == 204
        for _ in parts:
            pass
    assert trail_of(here, database) == []
    assert rows(database, "alice") == {}
