"""The upstream's HTTP server: one call at a time on each connection, watched for the client's leaving."""

import asyncio
import json
import random
from collections import Counter, deque
from contextlib import suppress
from dataclasses import asdict, dataclass

from tests.upstream.faults import DONE, FAULTS, PASSING
from tests.upstream.wire import Request, Wire, completion, delta, encoded, frame, whole

MOST_BILLS = 100_000


@dataclass(slots=True, kw_only=True)
class Stats:
    """What happened so far; `left` counts calls whose client went away, `leaks` keys sent elsewhere."""

    calls: int = 0
    billed_tokens: int = 0
    open_connections: int = 0
    most_open_connections: int = 0
    open_calls: int = 0
    most_open_calls: int = 0
    left: int = 0
    leaks: int = 0


@dataclass(slots=True, kw_only=True)
class Bill:
    """What one call cost, and whether all of its reply, which says so, was sent."""

    question: str
    tokens: int = 0
    told: bool = False


class Upstream:
    """The server's state, shared by its connections."""

    def __init__(self, gap: float) -> None:
        self._gap = gap
        self.stats = Stats()
        self._bills: deque[Bill] = deque(maxlen=MOST_BILLS)
        self._last: bytes = b"{}"
        self._healthy = False
        self._seen: Counter[str] = Counter()

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        self.stats.open_connections += 1
        self.stats.most_open_connections = max(self.stats.most_open_connections, self.stats.open_connections)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                while await self._serve(reader, writer):
                    pass
        finally:
            self.stats.open_connections -= 1
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, target, _ = head[0].split(" ")
        fields = (line.partition(":") for line in head[1:] if line)
        headers = {name.lower(): value.strip() for name, _, value in fields}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        path = target.partition("?")[0]
        if path.endswith("/chat/completions"):
            self._last = body
            return await self._called(reader, Wire(writer, Request(headers=headers, body=json.loads(body))))
        return await self._told(method, path, Wire(writer, Request(headers=headers, body={})))

    async def _told(self, method: str, path: str, wire: Wire) -> bool:
        if path == "/elsewhere":
            self.stats.leaks += "authorization" in wire.request.headers
        if (method, path) == ("POST", "/reset"):
            opened = self.stats.open_connections
            self.stats = Stats(open_connections=opened, most_open_connections=opened)
            self._bills.clear()
            self._seen.clear()
            self._last = b"{}"
        if path in {"/heal", "/break"}:
            self._healthy = path == "/heal"
        answers = {
            "/heal": b"{}",
            "/break": b"{}",
            "/stats": encoded(asdict(self.stats)),
            "/bills": encoded([asdict(bill) for bill in self._bills]) if path == "/bills" else b"",
            "/last": self._last,
            "/reset": b"{}",
        }
        known = path in answers
        await wire.answer(answers.get(path, b"{}"), "200 OK" if known else "404 Not Found")
        return True

    async def _called(self, reader: asyncio.StreamReader, wire: Wire) -> bool:
        self.stats.calls += 1
        self.stats.open_calls += 1
        self.stats.most_open_calls = max(self.stats.most_open_calls, self.stats.open_calls)
        bill = Bill(question=wire.request.question)
        self._bills.append(bill)
        answer = asyncio.create_task(self._answer(wire, bill))
        gone = asyncio.create_task(reader.read(1))
        try:
            await asyncio.wait({answer, gone}, return_when=asyncio.FIRST_COMPLETED)
            if not answer.done():
                self.stats.left += 1
                return False
            await answer
            return wire.keep_alive
        finally:
            self.stats.open_calls -= 1
            for task in (answer, gone):
                task.cancel()
            await asyncio.gather(answer, gone, return_exceptions=True)

    async def _answer(self, wire: Wire, bill: Bill) -> None:
        told = wire.request.model == "told" and not self._healthy
        kind, *options = (wire.request.question.split(" ")[0] if told else wire.request.model).split(":")
        if kind == "fault" and self._still_faulty(wire.request.model, options):
            await FAULTS[options[0]](wire)
        elif kind == "mixed" and random.random() < float(options[0]) / 100:
            await FAULTS[random.choice(PASSING)](wire)
        elif kind == "words":
            gap = float(options[1]) if options[1:] else 0.0
            await self._say(wire, bill, ["word "] * int(options[0]), gap)
        else:
            if kind == "slow":
                await asyncio.sleep(float(options[0]))
            await self._say(wire, bill, wire.request.question.split(" "), self._gap, between=" ")

    def _still_faulty(self, model: str, options: list[str]) -> bool:
        self._seen[model] += 1
        times = int(options[1]) if options[1:] else self._seen[model]
        return self._seen[model] <= times if times >= 0 else self._seen[model] > -times

    async def _say(self, wire: Wire, bill: Bill, words: list[str], gap: float, between: str = "") -> None:
        pieces = [word + between for word in words[:-1]] + words[-1:]
        sent = sum(len(str(message["content"])) for message in wire.request.body["messages"])
        usage = {"prompt_tokens": -(-sent // 4), "completion_tokens": len(pieces)}
        bill.tokens = sum(usage.values())
        self.stats.billed_tokens += bill.tokens
        if wire.request.streamed:
            last = frame(encoded(completion([], streamed=True, usage=usage)))
            told = [last] if wire.request.wants_usage else []
            await wire.stream(*map(delta, pieces), delta(None, "stop"), *told, DONE, gap=gap)
        else:
            await wire.answer(whole("".join(pieces), usage=usage))
        bill.told = True
