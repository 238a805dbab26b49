"""Clients that ask until they are answered: each retries with its key and resumes its streams anywhere."""

import asyncio
import json
import random
import threading
import time
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import jwt

from tests.chaos.ledger import Promise

SECRET = "a secret of the chaos suite, long enough for HS256"
TERMINAL = {"done", "error", "cancelled", "interrupted"}
WORDS = "and wants to hear a reply that takes long enough to be cut in its middle by whatever breaks"
ASK_SECONDS = 20
GIVE_UP_SECONDS = 90


@dataclass(kw_only=True)
class Client:
    """One user with one conversation at a time."""

    owner: str
    bases: list[str]
    promises: list[Promise]
    stop: threading.Event
    retries: int = 0
    resumed: int = 0
    errors: dict[str, int] = field(default_factory=dict)

    async def run(self, session: aiohttp.ClientSession) -> None:
        """Ask question after question until told to stop; the last one is asked to its end."""
        conversation_id, asked = None, 0
        while not self.stop.is_set():
            asked += 1
            promise = Promise(
                owner=self.owner, key=str(uuid.uuid4()), message=f"{self.owner} asks {uuid.uuid4()} {WORDS}"
            )
            self.promises.append(promise)
            body = {"message": promise.message}
            if conversation_id:
                body["conversation_id"] = conversation_id
            answered = await self._insist(session, promise, body)
            conversation_id = answered if asked % 8 else None

    async def _insist(
        self, session: aiohttp.ClientSession, promise: Promise, body: dict[str, str]
    ) -> str | None:
        until = time.monotonic() + GIVE_UP_SECONDS
        streamed = random.random() < 0.6
        while time.monotonic() < until:
            try:
                ask = self._stream if streamed else self._ask
                if (conversation_id := await ask(session, promise, body)) is not None:
                    return conversation_id
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                self._count(type(error).__name__)
            self.retries += 1
            await asyncio.sleep(random.uniform(0.02, 0.3))
        promise.problems.append(f"never answered: {promise.owner} {promise.key}")
        return None

    async def _ask(self, session: aiohttp.ClientSession, promise: Promise, body: dict[str, str]) -> str | None:
        url = f"{random.choice(self.bases)}/api/{self.owner}/chat"
        async with session.post(url, json=body, headers=self._headers(promise)) as response:
            answer = await response.json(content_type=None)
            if response.status != 200:
                self._refused(promise, response.status, answer)
                return None
        self._acknowledge(promise, answer["turn_id"])
        self._replied(promise, answer["message"]["content"])
        return str(answer["conversation_id"])

    async def _stream(
        self, session: aiohttp.ClientSession, promise: Promise, body: dict[str, str]
    ) -> str | None:
        heard = Heard()
        url = f"{random.choice(self.bases)}/api/{self.owner}/chat"
        headers = self._headers(promise) | {"Accept": "text/event-stream"}
        try:
            async with session.post(url, json=body, headers=headers) as response:
                if response.status != 200:
                    self._refused(promise, response.status, await response.json(content_type=None))
                    return None
                await self._hear(response, promise, heard)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            self._count(type(error).__name__)
        while heard.turn_id and heard.ending is None:
            await self._resume(session, promise, heard)
        if heard.ending != "done":
            self._count(f"stream {heard.ending}")
            return None
        return heard.conversation_id

    async def _resume(self, session: aiohttp.ClientSession, promise: Promise, heard: "Heard") -> None:
        self.resumed += 1
        url = f"{random.choice(self.bases)}/api/{self.owner}/turns/{heard.turn_id}/events"
        headers = self._headers(promise) | ({"Last-Event-ID": heard.last_id} if heard.last_id else {})
        try:
            async with session.get(url, headers=headers) as response:
                if response.status == 200:
                    await self._hear(response, promise, heard)
                else:
                    self._refused(promise, response.status, await response.json(content_type=None))
                    await asyncio.sleep(0.1)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            self._count(type(error).__name__)
            await asyncio.sleep(0.1)

    async def _hear(self, response: aiohttp.ClientResponse, promise: Promise, heard: "Heard") -> None:
        async for name, event_id, data in frames(response):
            heard.last_id = event_id or heard.last_id
            if name == "turn.accepted":
                heard.turn_id, heard.conversation_id = data["turn_id"], data["conversation_id"]
                self._acknowledge(promise, data["turn_id"])
            elif name == "delta":
                heard.text += data["text"]
            elif name == "reset":
                heard.text = ""
            elif name in TERMINAL:
                heard.ending = name
                if name == "done":
                    if heard.text != data["message"]["content"]:
                        promise.problems.append(
                            f"stream differs: {heard.text!r} {data['message']['content']!r}"
                        )
                    self._replied(promise, data["message"]["content"])

    def _acknowledge(self, promise: Promise, turn_id: str) -> None:
        if promise.turn_id not in {None, turn_id}:
            promise.problems.append(f"another turn for one key: {promise.turn_id} {turn_id}")
        promise.turn_id = turn_id

    def _replied(self, promise: Promise, reply: str) -> None:
        if promise.reply not in {None, reply}:
            promise.problems.append(f"another reply: {promise.reply!r} {reply!r}")
        promise.reply = reply

    def _refused(self, promise: Promise, status: int, problem: dict[str, Any]) -> None:
        self._count(str(problem.get("type", status)).rsplit("/", 1)[-1])
        if status not in {409, 429, 502, 503, 504}:
            promise.problems.append(f"refused with {status}: {problem}")

    def _count(self, error: str) -> None:
        self.errors[error] = self.errors.get(error, 0) + 1

    def _headers(self, promise: Promise) -> dict[str, str]:
        now = int(time.time())
        token = jwt.encode({"sub": self.owner, "iat": now, "exp": now + 600}, SECRET, algorithm="HS256")
        return {"Authorization": f"Bearer {token}", "Idempotency-Key": promise.key}


@dataclass(kw_only=True)
class Heard:
    """What came of one stream so far."""

    turn_id: str | None = None
    conversation_id: str | None = None
    last_id: str | None = None
    text: str = ""
    ending: str | None = None


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
