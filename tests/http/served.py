"""The application behind a real socket, in a thread of the test's own, and the ways in which tests speak to it."""

import asyncio
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx
import uvicorn

from adapters.auth.hs256 import issue_token
from adapters.scripted.model import ScriptedLanguageModel
from chatcore.errors import error_kinds
from entrypoints.container import Container
from entrypoints.http import create_app
from entrypoints.http.problems import REFUSALS

SECRET = "a secret of the tests, 32 bytes or more"
PATIENCE = 10.0
"""Seconds after which anything that a test waits for counts as stuck."""


@dataclass(frozen=True, slots=True)
class Event:
    """One server-sent event."""

    id: str
    name: str
    data: Any


@dataclass(slots=True)
class Served:
    """A running server."""

    port: int
    container: Container
    model: ScriptedLanguageModel
    loop: asyncio.AbstractEventLoop
    stop: Callable[[], None]
    _clients: list[httpx.Client] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def client(self, user: str | None = None, **headers: str) -> httpx.Client:
        """Return a client, of a user if one is named."""
        if user is not None:
            headers["authorization"] = f"Bearer {token(user)}"
        client = httpx.Client(base_url=self.url, headers=headers, timeout=PATIENCE)
        self._clients.append(client)
        return client

    def let(self, event: asyncio.Event) -> None:
        """Set an event of the server's loop."""
        self.loop.call_soon_threadsafe(event.set)

    def later(self, seconds: float, event: asyncio.Event) -> None:
        """Set an event of the server's loop after a while."""
        self.loop.call_soon_threadsafe(self.loop.call_later, seconds, event.set)

    def exchange(self, request: bytes, *, until_close: bool = False) -> bytes:
        """Send raw bytes and return what comes back: one response, or everything until the server closes."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) as connection:
            connection.sendall(request)
            received = b""
            while part := connection.recv(65536):
                received += part
                if not until_close and _complete(received):
                    break
            return received

    def close(self) -> None:
        for client in self._clients:
            client.close()


class _Server(uvicorn.Server):
    """Tells its loop, so that tests can reach into it."""

    loop: asyncio.AbstractEventLoop | None = None

    def stop(self) -> None:
        self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.loop = asyncio.get_running_loop()


@contextmanager
def served(container: Container, model: ScriptedLanguageModel) -> Iterator[Served]:
    """Yield the application of a container behind a free port."""
    config = uvicorn.Config(
        create_app(container),
        http="httptools",
        ws="none",
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=1,
    )
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = _Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            wait_until(lambda: server.loop is not None or not thread.is_alive())
            assert server.loop is not None, "the server did not start"
            running = Served(listening.getsockname()[1], container, model, server.loop, server.stop)
            try:
                yield running
            finally:
                running.close()
        finally:
            server.stop()
            thread.join(30)
    assert not thread.is_alive(), "the server did not stop"


def token(user: str, ttl: timedelta = timedelta(hours=1)) -> str:
    return issue_token(SECRET, user, ttl)


def wait_until(happened: Any) -> None:
    """Return once something has happened."""
    deadline = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < deadline, "it does not happen"
        time.sleep(0.005)


def events(response: httpx.Response) -> Iterator[Event]:
    """Yield the events of a stream as they come, checking its grammar; comments are left out."""
    block: list[str] = []
    for line in _lines(response):
        if line:
            block.append(line)
            continue
        if all(part.startswith(":") for part in block):
            block = []
            continue
        fields = dict(part.split(": ", 1) for part in block)
        assert list(fields) == ["id", "event", "data"]
        block = []
        yield Event(fields["id"], fields["event"], json.loads(fields["data"]))
    assert block == [], "a stream ends with a whole frame"


def _lines(response: httpx.Response) -> Iterator[str]:
    """Yield the lines of a stream; httpx's own would also break them at characters that SSE does not."""
    rest = b""
    for part in response.iter_raw():
        *lines, rest = (rest + part).split(b"\n")
        yield from (line.decode() for line in lines)
    assert rest == b""


def problem(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """Return the problem document of a response, checked in every part."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    check_problem(body, status, code)
    assert body["request_id"] == response.headers["x-request-id"]
    assert body["instance"] == response.request.url.raw_path.decode().partition("?")[0]
    retry_after = response.headers.get("retry-after")
    assert body.get("retry_after") == (None if retry_after is None else int(retry_after))
    return body


def check_problem(body: dict[str, Any], status: int, code: str) -> None:
    assert body["type"] == f"/problems/{code}"
    assert body["status"] == status
    assert code in error_kinds() or code in {refusal.slug for refusal in REFUSALS.values()}
    assert body["title"]
    assert body["detail"]
    optional = {"errors", "retry_after"}
    assert set(body) - optional == {
        "type",
        "title",
        "status",
        "detail",
        "instance",
        "request_id",
        "retryable",
    }
    if body["retryable"]:
        assert 1 <= body["retry_after"] <= 60
    else:
        assert "retry_after" not in body


def _complete(received: bytes) -> bool:
    head, separator, body = received.partition(b"\r\n\r\n")
    if not separator:
        return False
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return len(body) >= int(line.partition(b":")[2])
    return body.endswith(b"0\r\n\r\n") or b" 204 " in head[:20]
