"""A TCP load balancer: round robin, and the next server where one refuses the connection."""

import asyncio
from contextlib import suppress
from itertools import count
from types import TracebackType


class Balancer:
    """Entered in the loop of whoever connects; gives the one address that leads to all."""

    def __init__(self, ports: list[int]) -> None:
        """Take the servers' ports."""
        self._ports = ports
        self._next = count()
        self._links: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> list[str]:
        self._server = await asyncio.start_server(self._linked, "127.0.0.1", 0)
        return [f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"]

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
            try:
                up_reader, up_writer = await self._reach()
                ways = pass_on(reader, up_writer), pass_on(up_reader, writer)
                async with asyncio.TaskGroup() as group:
                    for way in ways:
                        group.create_task(way)
            finally:
                writer.close()

    async def _reach(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        start = next(self._next)
        for step in range(len(self._ports)):
            with suppress(ConnectionError):
                port = self._ports[(start + step) % len(self._ports)]
                return await asyncio.open_connection("127.0.0.1", port)
        raise ConnectionError("no server listens")


async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass bytes on until one side ends, then end the other."""
    try:
        with suppress(ConnectionError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
    finally:
        writer.close()
