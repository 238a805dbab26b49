"""A TCP proxy that cuts every connection after a random number of bytes of what the server sends."""

import asyncio
import random
from contextlib import suppress
from types import TracebackType
from typing import Self

from tests.operations.balancer import pass_on


class Cutter:
    """Leads to a port on loopback; used as a context in the loop of whoever connects."""

    def __init__(self, port: int, *, longest: int, chance: random.Random) -> None:
        """Take where it leads to, and after how many bytes at most a connection is cut."""
        self._target = port
        self._longest = longest
        self._chance = chance
        self._links: set[asyncio.Task[None]] = set()
        self.cuts = 0

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._linked, "127.0.0.1", 0)
        self._port = int(self._server.sockets[0].getsockname()[1])
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        for link in self._links:
            link.cancel()
        await asyncio.gather(*self._links, return_exceptions=True)

    async def _linked(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None:
            raise AssertionError("a connection is served by a task")
        self._links.add(task)
        task.add_done_callback(self._links.discard)
        # Cancelled too: Python 3.11's streams ask a cancelled task for its exception.
        with suppress(ConnectionError, asyncio.CancelledError):
            up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self._target)
            sending = asyncio.create_task(pass_on(reader, up_writer))
            try:
                await self._pass_until_cut(up_reader, writer)
            finally:
                sending.cancel()
                # Both ends are reset, as by a network that fails.
                writer.transport.abort()
                up_writer.transport.abort()

    async def _pass_until_cut(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        left = self._chance.randint(0, self._longest)
        while left and (data := await reader.read(min(left, 65536))):
            writer.write(data)
            await writer.drain()
            left -= len(data)
        if not left:
            self.cuts += 1
            # What was passed on arrives before the connection ends: the cut is at this very byte.
            writer.close()
            await writer.wait_closed()
