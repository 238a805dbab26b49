"""One caller of the load generator, on a raw keep-alive connection."""

import asyncio
import time
from typing import cast

from benchmarks.dialects import Dialect
from benchmarks.tally import Job, Tally

CLOSED = 0
OK = 200


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
