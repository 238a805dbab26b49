"""Clients that ask until they are answered: each retries with its key and resumes its streams anywhere."""

import asyncio
import random
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import aiohttp

from chatcore.session import Session
from tests.chaos.ledger import Promise
from tests.chaos.talking import Answer, Heard, Person, fresh_key

WORDS = "and wants to hear a reply that takes long enough to be cut in its middle by whatever breaks"
GIVE_UP_SECONDS = 90
REST_SECONDS = 0.7
"""How long a server that could not be reached is left alone."""
_AWAY = (aiohttp.ClientError, TimeoutError, OSError)


@dataclass(slots=True, kw_only=True)
class Bases:
    """The servers, and until when each that could not be reached is left alone; shared by all clients."""

    all: list[str]
    resting: dict[str, float] = field(default_factory=dict)

    def one(self) -> str:
        now = time.monotonic()
        awake = [base for base in self.all if self.resting.get(base, 0) < now]
        return random.choice(awake or self.all)

    def away(self, base: str) -> None:
        self.resting[base] = time.monotonic() + REST_SECONDS


@dataclass(slots=True, kw_only=True)
class Client:
    """Somebody with one conversation, or one session, at a time."""

    name: str
    known: bool
    bases: Bases
    promises: list[Promise]
    stop: threading.Event
    seen: Counter[str]

    async def run(self, session: aiohttp.ClientSession) -> None:
        """Ask question after question until told to stop; the last one is asked to its end."""
        person = Person(session=session, owner=self.name if self.known else None)
        place, asked = "", 0
        while not self.stop.is_set():
            asked += 1
            key = fresh_key()
            promise = Promise(
                owner=self.name if self.known else (Session(place) if place else Session.of_key(key)).owner,
                key=key,
                message=f"{self.name} asks {fresh_key()} {WORDS}",
                to_cancel=random.random() < 0.1,
            )
            self.promises.append(promise)
            more = {"conversation_id" if self.known else "session_id": place} if place else {}
            await Asking(client=self, person=person, promise=promise, more=more).insist()
            place = promise.place if asked % 8 else ""


@dataclass(slots=True, kw_only=True)
class Asking:
    """One question, asked until it is answered."""

    client: Client
    person: Person
    promise: Promise
    more: dict[str, str]
    base: str = ""

    async def insist(self) -> None:
        """Return when the question is settled, or note that it never was."""
        began, streamed, pause = time.monotonic(), random.random() < 0.6, 0.05
        while time.monotonic() < began + GIVE_UP_SECONDS:
            await self._try(self._stream if streamed else self._ask)
            self.promise.seconds = time.monotonic() - began
            if self.promise.settled:
                return
            self.client.seen["retries"] += 1
            await asyncio.sleep(random.uniform(0.5, 1) * pause)
            pause = min(2 * pause, 2.0)
        self.promise.problems.append(f"never answered: {self.promise.owner} {self.promise.key}")

    async def _try(self, attempt: Callable[[], Awaitable[None]]) -> None:
        self.base = self.client.bases.one()
        try:
            await attempt()
        except aiohttp.ClientConnectorError:
            self.client.bases.away(self.base)
            self.client.seen["unreachable"] += 1
        except _AWAY as error:
            self.client.seen[type(error).__name__] += 1

    async def _ask(self) -> None:
        answer = await self.person.ask(self.base, self.promise.message, self.promise.key, **self.more)
        if answer.status != 200:
            self._refused(answer.status, answer.problem, retryable=answer.body["retryable"])
            return
        self._acknowledge(answer.headers["X-Turn-Id"], self._place(answer))
        said = answer.body["message"]["content"] if self.person.owner else answer.body["response"]
        self._replied(said)

    async def _stream(self) -> None:
        heard = Heard()
        try:
            async with self.person.stream(
                self.base, self.promise.message, self.promise.key, **self.more
            ) as response:
                if response.status != 200:
                    body = await response.json(content_type=None)
                    answer = Answer(status=response.status, headers=response.headers, body=body, seconds=0)
                    self._refused(answer.status, answer.problem, retryable=body["retryable"])
                    return
                await self._hear(response, heard)
        except _AWAY:
            if not heard.turn_id:
                raise
            self.client.seen["cut streams"] += 1
        pause = 0.05
        while heard.ending is None:
            self.client.seen["resumed"] += 1
            await self._try(lambda: self._resume(heard))
            if heard.ending is None:
                await asyncio.sleep(random.uniform(0.5, 1) * pause)
                pause = min(2 * pause, 1.0)
        self._ended(heard)

    async def _resume(self, heard: Heard) -> None:
        headers = self.person.headers() | ({"Last-Event-ID": heard.last_id} if heard.last_id else {})
        url = self.person.turn(self.base, heard) + "/events"
        async with self.person.session.get(url, headers=headers) as response:
            if response.status == 200:
                await self._hear(response, heard)
            else:
                body = await response.json(content_type=None)
                self._refused(response.status, body["type"], retryable=body["retryable"])

    async def _hear(self, response: aiohttp.ClientResponse, heard: Heard) -> None:
        async for name in heard.listen(response):
            if name == "turn.accepted":
                self._acknowledge(heard.turn_id, heard.conversation_id or heard.session_id)
            elif name == "delta" and self.promise.to_cancel and not self.promise.wished:
                self.promise.wished = True
                self.client.seen["cancels"] += 1
                await self.person.cancel(self.client.bases.one(), heard)

    def _ended(self, heard: Heard) -> None:
        promise, last = self.promise, heard.last
        if heard.ending == "done":
            if heard.text != last["message"]["content"]:
                promise.problems.append(f"stream differs: {heard.text!r} {last['message']['content']!r}")
            self._replied(last["message"]["content"])
        elif heard.ending == "cancelled":
            self._refused(409, "turn-cancelled", retryable=False)
            promise.reply = (last.get("message") or {}).get("content")
        elif heard.ending == "error":
            problem = last["problem"]
            self._refused(problem["status"], problem["type"], retryable=problem["retryable"])
        else:
            self.client.seen["interrupted"] += 1

    def _place(self, answer: Answer) -> str:
        return str(answer.body["conversation_id" if self.person.owner else "session_id"])

    def _acknowledge(self, turn_id: str, place: str) -> None:
        promise = self.promise
        if promise.turn_id not in {None, turn_id} or promise.place not in {"", place}:
            promise.problems.append(f"another turn for one key: {promise} {turn_id} {place}")
        promise.turn_id, promise.place = turn_id, place

    def _replied(self, reply: str) -> None:
        if self.promise.reply not in {None, reply}:
            self.promise.problems.append(f"another reply: {self.promise.reply!r} {reply!r}")
        self.promise.reply = reply
        self.promise.settled = True

    def _refused(self, status: int, problem: str, *, retryable: bool) -> None:
        slug = problem.rsplit("/", 1)[-1]
        self.client.seen[slug] += 1
        if retryable:
            return
        if slug == "attempts-exhausted" or (slug == "turn-cancelled" and self.promise.wished):
            self.promise.settled = True
            return
        self.promise.problems.append(f"refused for good with {status} {slug}")
        self.promise.settled = True
