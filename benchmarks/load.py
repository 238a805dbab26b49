"""The load generator: a process of its own that keeps a number of callers talking over raw keep-alive connections.

`python -m benchmarks.load` reads a job, one line of JSON, then commands, one a line, and answers each with a line:
`{"each": 5}` lets every caller take five turns, `{"seconds": 3}` lets them take turns for three seconds,
`{"open": 60}` begins one stream each and answers once all have shown their first delta (or after 60 seconds).
Each caller continues one conversation over its turns, so that the history window is full after a few.
"""

import asyncio
import resource
import sys
import time
from collections import Counter
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from typing import cast

import msgspec
import uvloop

from benchmarks.dialects import DIALECTS, Dialect

CLOSED = 0
LONGEST_WAIT = 300.0
OK = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What the callers do. Addresses are (host, port) pairs, shared out among the callers in turn."""

    dialect: str
    addresses: tuple[tuple[str, int], ...]
    callers: int
    streamed: bool = False
    secret: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the callers saw in a phase. Times in seconds; a rate counts only turns that ended inside the window."""

    turns: int
    per_second: float
    seconds: float
    failures: dict[str, int]
    latency_p50: float | None
    latency_p99: float | None
    first_p50: float | None
    first_p99: float | None


@dataclass(slots=True, kw_only=True)
class Tally:
    """What a phase has seen so far. Times in seconds."""

    began: float = field(default_factory=time.perf_counter)
    latencies: list[float] = field(default_factory=list)
    firsts: list[float] = field(default_factory=list)
    ends: list[float] = field(default_factory=list)
    failures: Counter[str] = field(default_factory=Counter)

    def seen(self, window: float | None) -> Seen:
        """Sum up; without a window the phase lasted until now."""
        elapsed = time.perf_counter() - self.began
        span = window or elapsed
        return Seen(
            turns=len(self.latencies),
            per_second=sum(end - self.began <= span for end in self.ends) / span,
            seconds=elapsed,
            failures=dict(self.failures),
            latency_p50=percentile(self.latencies, 0.50),
            latency_p99=percentile(self.latencies, 0.99),
            first_p50=percentile(self.firsts, 0.50),
            first_p99=percentile(self.firsts, 0.99),
        )


class Caller(asyncio.Protocol):
    """One caller: one conversation, one connection, one turn at a time."""

    def __init__(self, number: int, job: Job, dialect: Dialect) -> None:
        """Belong to a job."""
        self._address = job.addresses[number % len(job.addresses)]
        self._streamed = job.streamed
        self._dialect = dialect
        self._talk = dialect.talk(number, job.secret)
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._body_end = -1
        self._first_at = 0.0
        self._first_seen: asyncio.Future[None] | None = None
        self._answered: asyncio.Future[int] | None = None

    async def connect(self) -> None:
        """Open the connection."""
        await asyncio.get_running_loop().create_connection(lambda: self, *self._address)

    def disconnect(self) -> None:
        """Close it."""
        if self._transport is not None:
            self._transport.close()

    async def turns(self, tally: Tally, *, until: float | None, each: int | None) -> None:
        """Take turns until a time or a number of them, and note each in the tally."""
        taken = 0
        while (each is None or taken < each) and (until is None or time.perf_counter() < until):
            taken += 1
            await self._turn(tally)

    async def open(self, tally: Tally) -> None:
        """Begin a stream and return at its first delta."""
        began = self._send()
        if self._first_seen is not None:
            await self._first_seen
        tally.firsts.append(self._first_at - began)

    async def _turn(self, tally: Tally) -> None:
        began = self._send()
        status = await self._answered if self._answered is not None else CLOSED
        ended = time.perf_counter()
        if status == OK and self._dialect.complete(self._buffer, streamed=self._streamed):
            self._talk.heard(self._buffer)
            tally.latencies.append(ended - began)
            tally.ends.append(ended)
            if self._first_at:
                tally.firsts.append(self._first_at - began)
            return
        tally.failures[str(status)] += 1
        if status == CLOSED:
            await self.connect()

    def _send(self) -> float:
        loop = asyncio.get_running_loop()
        self._buffer.clear()
        self._body_end, self._first_at = -1, 0.0
        self._answered, self._first_seen = loop.create_future(), loop.create_future()
        request = self._talk.request(streamed=self._streamed)
        began = time.perf_counter()
        if self._transport is not None:
            self._transport.write(request)
        else:
            self._answered.set_result(CLOSED)
        return began

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way out."""
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Let a turn that waits know."""
        del exc
        self._transport = None
        self._answer(CLOSED)

    def data_received(self, data: bytes) -> None:
        """Gather an answer; wake the turn when it is whole."""
        buffer = self._buffer
        buffer += data
        if self._streamed and not self._first_at and self._dialect.first_delta in buffer:
            self._first_at = time.perf_counter()
            if self._first_seen is not None and not self._first_seen.done():
                self._first_seen.set_result(None)
        if self._body_end < 0:
            self._body_end = _body_end(buffer)
        whole = buffer.endswith(b"\r\n0\r\n\r\n") if self._body_end == 0 else len(buffer) >= self._body_end > 0
        if whole:
            self._answer(int(buffer[9:12]))

    def _answer(self, status: int) -> None:
        if self._answered is not None and not self._answered.done():
            self._answered.set_result(status)


def percentile(values: Sequence[float], share: float) -> float | None:
    """Return the value below which a share of the values lies; none of no values."""
    if not values:
        return None
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def _body_end(buffer: bytearray) -> int:
    """Return where the answer ends: -1 when not known yet, 0 when it comes in chunks."""
    head_end = buffer.find(b"\r\n\r\n")
    if head_end < 0:
        return -1
    head = bytes(buffer[:head_end]).lower()
    start = head.find(b"\r\ncontent-length:")
    if start < 0:
        return 0
    return head_end + 4 + int(head[start + 17 :].split(b"\r\n", 1)[0])


async def _phase(callers: Sequence[Caller], command: dict[str, float]) -> Seen:
    await asyncio.gather(*(caller.connect() for caller in callers))
    tally, window = Tally(), command.get("seconds")
    if "open" in command:
        await _all_within(command["open"], tally, [caller.open(tally) for caller in callers])
        return tally.seen(None)
    until = None if window is None else tally.began + window
    each = int(command["each"]) if "each" in command else None
    talks = [caller.turns(tally, until=until, each=each) for caller in callers]
    await _all_within((window or 0) + LONGEST_WAIT, tally, talks)
    for caller in callers:
        caller.disconnect()
    return tally.seen(window)


async def _all_within(seconds: float, tally: Tally, talks: Sequence[Coroutine[None, None, None]]) -> None:
    """Wait for all talks, but not for ever: a caller without an answer is a failure."""
    tasks = [asyncio.create_task(talk) for talk in talks]
    done, waiting = await asyncio.wait(tasks, timeout=seconds)
    for task in waiting:
        task.cancel()
        tally.failures["no answer"] += 1
    for task in done:
        task.result()


async def _main() -> None:
    loop = asyncio.get_running_loop()
    job = msgspec.json.decode(await loop.run_in_executor(None, sys.stdin.readline), type=Job)
    dialect = DIALECTS[job.dialect]
    callers = [Caller(number, job, dialect) for number in range(job.callers)]
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        seen = await _phase(callers, msgspec.json.decode(line, type=dict[str, float]))
        print(msgspec.json.encode(seen).decode(), flush=True)


if __name__ == "__main__":
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    uvloop.run(_main())
