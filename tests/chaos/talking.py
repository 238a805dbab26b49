"""What tests say to a running server, at both of its doors."""

import json
import time
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import jwt

SECRET = "a secret of the chaos suite, long enough for HS256"
TERMINAL = {"done", "error", "cancelled", "interrupted"}
EVENTS = {"Accept": "text/event-stream"}


@asynccontextmanager
async def talking(seconds: float = 60.0) -> AsyncIterator[aiohttp.ClientSession]:
    """Yield a session in which nothing waits for longer than so many seconds, nor for another connection."""
    timeout = aiohttp.ClientTimeout(total=seconds, sock_connect=5)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(timeout=timeout, connector=connector) as session:
        yield session


def bearer(owner: str) -> dict[str, str]:
    """Return the header that says who asks."""
    now = int(time.time())
    token = jwt.encode({"sub": owner, "iat": now, "exp": now + 3600}, SECRET, algorithm="HS256")
    return {"Authorization": f"Bearer {token}"}


def fresh_key() -> str:
    return str(uuid.uuid4())


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A response that was read whole, and how many seconds it took to come."""

    status: int
    headers: Mapping[str, str]
    body: Any
    seconds: float

    @property
    def problem(self) -> str:
        """The slug of the problem, after checking that it is a whole one."""
        assert self.headers["Content-Type"] == "application/problem+json", self
        assert self.body["status"] == self.status
        if self.body["retryable"]:
            assert 1 <= int(self.headers["Retry-After"]) <= 60
        return str(self.body["type"]).removeprefix("/problems/")


@dataclass(slots=True, kw_only=True)
class Heard:
    """What came of a stream so far."""

    events: list[tuple[str, Any]] = field(default_factory=list)
    turn_id: str = ""
    conversation_id: str = ""
    session_id: str = ""
    last_id: str = ""
    text: str = ""

    @property
    def ending(self) -> str | None:
        return self.events[-1][0] if self.events and self.events[-1][0] in TERMINAL else None

    @property
    def last(self) -> Any:
        return self.events[-1][1]

    async def listen(self, response: aiohttp.ClientResponse) -> AsyncIterator[str]:
        """Yield the name of each event as it comes."""
        async for name, event_id, data in frames(response):
            assert self.ending is None, f"{name} after {self.ending}"
            self.events.append((name, data))
            self.last_id = event_id or self.last_id
            if name == "turn.accepted":
                self.turn_id = data["turn_id"]
                self.conversation_id = data.get("conversation_id", "")
                self.session_id = data.get("session_id", "")
            elif name == "delta":
                self.text += data["text"]
            elif name == "reset":
                self.text = ""
            yield name

    async def listen_to_the_end(self, response: aiohttp.ClientResponse) -> None:
        async for _ in self.listen(response):
            pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody at the authenticated door, or, without a name, at the public one."""

    session: aiohttp.ClientSession
    owner: str | None = None

    def headers(self, key: str | None = None) -> dict[str, str]:
        known = {} if self.owner is None else bearer(self.owner)
        return known | ({} if key is None else {"Idempotency-Key": key})

    def door(self, base: str) -> str:
        return f"{base}/chat" if self.owner is None else f"{base}/api/{self.owner}/chat"

    def turn(self, base: str, heard: Heard) -> str:
        place = f"chat/{heard.session_id}" if self.owner is None else f"api/{self.owner}"
        return f"{base}/{place}/turns/{heard.turn_id}"

    async def ask(self, base: str, message: str, key: str | None = None, **more: str) -> Answer:
        """Ask, and wait for the whole reply."""
        began = time.monotonic()
        body = {"message": message, **more}
        async with self.session.post(self.door(base), json=body, headers=self.headers(key)) as response:
            said = await response.json(content_type=None)
            seconds = time.monotonic() - began
            return Answer(status=response.status, headers=response.headers, body=said, seconds=seconds)

    @asynccontextmanager
    async def stream(
        self, base: str, message: str, key: str | None = None, **more: str
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Ask, and yield the stream of events."""
        body, headers = {"message": message, **more}, self.headers(key) | EVENTS
        async with self.session.post(self.door(base), json=body, headers=headers) as response:
            yield response

    @asynccontextmanager
    async def resume(self, base: str, heard: Heard) -> AsyncIterator[aiohttp.ClientResponse]:
        """Yield the rest of a stream."""
        headers = self.headers() | ({"Last-Event-ID": heard.last_id} if heard.last_id else {})
        async with self.session.get(self.turn(base, heard) + "/events", headers=headers) as response:
            assert response.status == 200, await response.text()
            yield response

    async def look(self, base: str, heard: Heard) -> Any:
        """Return where a turn stands."""
        async with self.session.get(self.turn(base, heard), headers=self.headers()) as response:
            assert response.status == 200, await response.text()
            return await response.json()

    async def cancel(self, base: str, heard: Heard) -> int:
        async with self.session.post(self.turn(base, heard) + "/cancel", headers=self.headers()) as response:
            return response.status


async def frames(response: aiohttp.ClientResponse) -> AsyncIterator[tuple[str, str | None, Any]]:
    """Yield name, id and data of each whole event; one that was cut off is none."""
    name, event_id, data = "", None, ""
    async for raw in response.content:
        line = raw.decode().rstrip("\r\n")
        if line.startswith("event:"):
            name = line[6:].strip()
        elif line.startswith("id:"):
            event_id = line[3:].strip()
        elif line.startswith("data:"):
            data += line[5:].strip()
        elif not line and name:
            yield name, event_id, json.loads(data)
            name, event_id, data = "", None, ""
