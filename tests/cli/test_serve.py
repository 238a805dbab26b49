"""The server starts from nothing, refuses what is not safe, and ends without losing anything."""

import json
import os
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from entrypoints.serving import Refused, serve
from entrypoints.settings import Environment, Settings
from tests.cli.conftest import Run
from tests.cli.program import Program, program
from tests.databases import Database
from tests.pgbouncer import pgbouncer
from tests.unit.entrypoints.conftest import logging_restored
from tests.upstream.fixtures import RunningUpstream

pytestmark = pytest.mark.usefixtures("logging_restored")
__all__ = ["logging_restored"]

SECRET = "a secret of the tests, 32 bytes or more"
QUESTION = {"message": "Is the sea deep?"}


@pytest.fixture
def port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@pytest.fixture
def home() -> Iterator[Path]:
    """A directory with a short path: a socket's has at most 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="chat-") as directory:
        yield Path(directory)


@pytest.fixture
def served(port: int) -> Iterator[Callable[[Settings], list[str]]]:
    """Serves in this process until a thread has tried the server and sent the signal; returns what was said."""
    seen: dict[str, httpx.Response] = {}

    def visit() -> None:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                seen["health"] = httpx.get(f"http://127.0.0.1:{port}/health", timeout=1)
                break
            except httpx.TransportError:
                time.sleep(0.02)
        seen["ready"] = httpx.get(f"http://127.0.0.1:{port}/health/ready", timeout=10)
        seen["chat"] = httpx.post(f"http://127.0.0.1:{port}/chat", json=QUESTION, timeout=10)
        os.kill(os.getpid(), signal.SIGTERM)

    before = signal.getsignal(signal.SIGTERM)

    def until_stopped(settings: Settings) -> list[str]:
        said: list[str] = []
        visitor = threading.Thread(target=visit)
        visitor.start()
        serve(settings, said.append)
        visitor.join()
        return said

    until_stopped.seen = seen  # type: ignore[attr-defined]
    yield until_stopped
    signal.signal(signal.SIGTERM, before)


def test_it_serves_from_nothing_and_ends_when_told(
    served: Callable[[Settings], list[str]], port: int, tmp_path: Path
) -> None:
    said = served(Settings(port=port, data_dir=tmp_path))
    seen: dict[str, httpx.Response] = served.seen  # type: ignore[attr-defined]
    assert {name: reply.status_code for name, reply in seen.items()} == {
        "health": 200,
        "ready": 200,
        "chat": 200,
    }
    (banner,) = said
    assert f"http://127.0.0.1:{port}" in banner
    assert "NO REAL MODEL" in banner
    assert "curl" in banner
    assert not (tmp_path / "postgres" / "data" / "postmaster.pid").exists()


def test_a_developers_unmigrated_database_is_served_but_not_ready(
    served: Callable[[Settings], list[str]], port: int, bare_database: Database, tmp_path: Path
) -> None:
    said = served(Settings(port=port, data_dir=tmp_path, database_url=bare_database.app_url))
    seen: dict[str, httpx.Response] = served.seen  # type: ignore[attr-defined]
    assert seen["ready"].status_code == 503
    assert "schema" in seen["ready"].text
    assert "chatcore migrate up" in said[0]


def test_a_developers_database_that_is_away_is_waited_for(
    served: Callable[[Settings], list[str]], port: int, tmp_path: Path
) -> None:
    away = "postgresql://nobody@127.0.0.1:1/none"
    said = served(Settings(port=port, data_dir=tmp_path, database_url=away))
    seen: dict[str, httpx.Response] = served.seen  # type: ignore[attr-defined]
    assert seen["ready"].status_code == 503
    assert "database" in seen["ready"].text
    assert "does not answer" in said[0]


def test_a_pooler_is_noticed_wherever_it_listens(
    served: Callable[[Settings], list[str]], port: int, database: Database, tmp_path: Path
) -> None:
    with pgbouncer(database.app_url) as conninfo:
        said = conninfo_to_dict(conninfo)
        url = f"postgresql://{said['user']}:{said.get('password', '')}@{said['host']}:{said['port']}/{said['dbname']}"
        served(Settings(port=port, data_dir=tmp_path, database_url=url))
    seen: dict[str, httpx.Response] = served.seen  # type: ignore[attr-defined]
    assert {name: reply.status_code for name, reply in seen.items()} == {
        "health": 200,
        "ready": 200,
        "chat": 200,
    }


def production(url: str) -> Settings:
    return Settings(env=Environment.PRODUCTION, auth_jwt_secret=SECRET, database_url=url, port=0)


def refusal(settings: Settings) -> str:
    before = signal.getsignal(signal.SIGTERM)
    try:
        with pytest.raises(Refused) as caught:
            serve(settings, lambda _: None)
    finally:
        signal.signal(signal.SIGTERM, before)
    return str(caught.value)


def test_production_refuses_a_superuser(database: Database) -> None:
    assert "is a superuser" in refusal(production(database.superuser_url))


def test_production_refuses_the_tables_owner(database: Database) -> None:
    assert "owns tables" in refusal(production(database.owner_url))


def test_production_refuses_a_role_that_bypasses_row_level_security(database: Database) -> None:
    with psycopg.connect(database.superuser_url, autocommit=True) as connection:
        connection.execute(f'ALTER ROLE "{database.app}" BYPASSRLS')
        try:
            assert "has BYPASSRLS" in refusal(production(database.app_url))
        finally:
            connection.execute(f'ALTER ROLE "{database.app}" NOBYPASSRLS')


def test_production_refuses_a_table_that_does_not_force_row_level_security(database: Database) -> None:
    with psycopg.connect(database.owner_url, autocommit=True) as connection:
        connection.execute("ALTER TABLE chatcore.turn NO FORCE ROW LEVEL SECURITY")
    assert "does not force row-level security" in refusal(production(database.app_url))


def test_production_refuses_a_database_without_a_schema(bare_database: Database) -> None:
    assert "Run: chatcore migrate up" in refusal(production(bare_database.app_url))


def test_production_refuses_a_database_that_stays_away_within_twelve_seconds() -> None:
    began = time.monotonic()
    assert "does not answer" in refusal(production("postgresql://nobody@127.0.0.1:1/none"))
    assert time.monotonic() - began < 12


def test_an_address_that_is_taken_is_refused_before_anything_is_started(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        words = refusal(Settings(port=taken.getsockname()[1], data_dir=tmp_path / "data"))
    assert "cannot be listened on" in words
    assert not (tmp_path / "data").exists()


def test_an_address_that_is_none_is_refused() -> None:
    assert "no address of this machine" in refusal(Settings(host="no.such.host.invalid", port=0))


def test_a_data_directory_that_cannot_be_used_is_refused() -> None:
    assert "/proc" in refusal(Settings(port=0, data_dir=Path("/proc/chatcore")))


def test_the_command_says_why_it_does_not_start(run: Run, bare_database: Database) -> None:
    result = run(
        "serve",
        "--port",
        "0",
        CHATCORE_ENV="production",
        AUTH_JWT_SECRET=SECRET,
        DATABASE_URL=bare_database.app_url,
    )
    assert result.exit_code == 1
    assert "chatcore migrate up" in result.stderr


def test_the_command_says_which_settings_are_faulty(run: Run) -> None:
    result = run("serve", CHATCORE_ENV="production")
    assert result.exit_code == 1
    assert "AUTH_JWT_SECRET, AUTH_JWKS_URL or BETTER_AUTH_SECRET" in result.stderr


def slow(upstream: RunningUpstream, words: int, database: Database) -> dict[str, str]:
    """Return the variables for a model that says a word every 50 ms."""
    return {
        "OPENAI_API_KEY": "sk-hush",
        "OPENAI_BASE_URL": upstream.url,
        "CHATCORE_MODEL": f"words:{words}:0.05",
        "DATABASE_URL": database.app_url,
    }


def streamed(server: Program, until: Callable[[str], bool], found: list[str]) -> threading.Thread:
    """Read a stream in a thread; return when it has said something of a kind."""
    heard = threading.Event()

    def listen() -> None:
        headers = {"accept": "text/event-stream"}
        with httpx.stream("POST", f"{server.url}/chat", json=QUESTION, headers=headers, timeout=30) as reply:
            for line in reply.iter_lines():
                found.append(line)
                if until(line):
                    heard.set()

    thread = threading.Thread(target=listen)
    thread.start()
    assert heard.wait(20)
    return thread


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_a_server_where_nothing_streams_ends_at_once(port: int, home: Path, sign: int) -> None:
    with program(port, {}, home) as server:
        server.ready()
        code, seconds = server.stop(sign)
    assert code == 0
    assert seconds < 10


def test_a_turn_that_can_end_in_time_is_finished_before_the_server_stops(
    port: int, home: Path, upstream: RunningUpstream, database: Database
) -> None:
    lines: list[str] = []
    with program(port, slow(upstream, 30, database), home) as server:
        listener = streamed(server.ready(), lambda line: line == "event: delta", lines)
        code, seconds = server.stop(signal.SIGTERM)
        listener.join()
    assert (code, lines[-3]) == (0, "event: done")
    assert seconds < 10


def test_a_turn_that_cannot_end_in_time_is_handed_over_with_a_last_event(
    port: int, home: Path, upstream: RunningUpstream, database: Database
) -> None:
    lines: list[str] = []
    with program(port, slow(upstream, 1000, database) | {"CHATCORE_DRAIN": "0.2"}, home) as server:
        listener = streamed(server.ready(), lambda line: line == "event: delta", lines)
        code, seconds = server.stop(signal.SIGTERM)
        listener.join()
    assert (code, lines[-3]) == (0, "event: interrupted")
    assert seconds < 10


def test_the_terminal_goes_on_after_the_server_was_killed_and_started_again(
    port: int, home: Path, upstream: RunningUpstream, database: Database, run: Run
) -> None:
    variables = slow(upstream, 40, database) | {"CHATCORE_TURN_LEASE": "2", "AUTH_JWT_SECRET": SECRET}
    with program(port, variables, home) as first:
        first.ready()
        killer = threading.Timer(1.0, first.process.kill)
        again: list[Program] = []
        starter = threading.Timer(1.5, lambda: again.append(Program(port, variables, home)))
        killer.start()
        starter.start()
        try:
            result = run("chat", "Count.", PORT=str(port), AUTH_JWT_SECRET=SECRET)
        finally:
            starter.join()
            for server in again:
                server.process.terminate()
                server.process.wait(30)
    assert result.exit_code == 0, result.stderr
    assert result.stdout == "word " * 40 + "\n"
    assert "away" in result.stderr


def test_an_embedded_database_that_dies_is_started_again(port: int, home: Path) -> None:
    with program(port, {}, home) as server:
        server.ready()
        (pid_file,) = home.rglob("postmaster.pid")
        os.kill(int(pid_file.read_text().splitlines()[0]), signal.SIGKILL)
        deadline = time.monotonic() + 20
        while httpx.post(f"{server.url}/chat", json=QUESTION, timeout=20).status_code != 200:
            assert time.monotonic() < deadline
        assert "the embedded database had died and was started again" in server.out.read_text()


def test_nothing_that_was_said_or_that_opens_anything_is_written_down(
    port: int, home: Path, upstream: RunningUpstream, database: Database, run: Run
) -> None:
    token = run("token", "ada", AUTH_JWT_SECRET=SECRET).stdout.strip()
    variables = {
        "DATABASE_URL": database.app_url,
        "OPENAI_API_KEY": "sk-hush-key",
        "OPENAI_BASE_URL": upstream.url,
        "AUTH_JWT_SECRET": SECRET,
        "CHATCORE_LOG_LEVEL": "debug",
    }
    with program(port, variables, home) as server:
        server.ready()
        headers = {"authorization": f"Bearer {token}", "idempotency-key": "hush-idempotency"}
        reply = httpx.post(f"{server.url}/api/ada/chat", json={"message": "hush-question"}, headers=headers)
        assert reply.status_code == 200, reply.text
        session = httpx.post(f"{server.url}/chat", json=QUESTION).json()["session_id"]
        httpx.post(f"{server.url}/chat", json=QUESTION | {"session_id": session, "selected_text": "hush-text"})
        httpx.post(f"{server.url}/chat", content=b"hush-nonsense", headers={"content-type": "application/json"})
        httpx.get(f"{server.url}/chat/{session}/turns/hush-turn")
        server.stop(signal.SIGTERM)
        lines = [json.loads(line) for line in server.out.read_text().splitlines()]
        written = server.written()
    assert {"serving", "request", "turn", "stopped"} <= {line["event"] for line in lines}
    assert all({"time", "level", "event", "request_id"} <= line.keys() for line in lines)
    for secret in ("hush", token, SECRET, session, "Is the sea deep"):
        assert secret not in written
