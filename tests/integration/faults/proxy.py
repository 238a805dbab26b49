"""Stands between a client and PostgreSQL on the way to it, and does to bytes whatever a network may do.

Everything is switched while it runs: connections cut (at once, or after so many bytes more in one
direction), bytes dropped in silence, delayed or not read, connections refused or answered with an error.
"""

import asyncio
import os
import socket
import struct
from dataclasses import dataclass
from enum import Enum
from types import TracebackType
from typing import Self

from psycopg.conninfo import conninfo_to_dict, make_conninfo

_RESET = struct.pack("ii", 1, 0)
_SSL_REQUEST = struct.pack("!ii", 8, 80877103)


class Way(Enum):
    """In which direction bytes go."""

    TO_SERVER = "to the server"
    TO_CLIENT = "to the client"


@dataclass(slots=True)
class Fuse:
    """After so many more bytes this way, on whatever connection, that connection is cut."""

    way: Way
    left: int
    harshly: bool = False


class Proxy:
    """One address that leads to a PostgreSQL; used as an asynchronous context in the loop that asks through it.

    `passed` counts the bytes of each way that arrived here, `accepted` the connections that were ever made.
    """

    def __init__(self, target: str) -> None:
        """Take the conninfo of the server."""
        said = conninfo_to_dict(target)
        self._target = target
        self._host = str(said.get("host") or "127.0.0.1")
        self._server_port = int(said.get("port") or 5432)
        self._server: asyncio.Server | None = None
        self._links: set[_Link] = set()
        self._port = 0
        self.passed = dict.fromkeys(Way, 0)
        self.accepted = 0
        self.dropped: frozenset[Way] = frozenset()
        self.stalled = False
        self.delay = 0.0
        self.fuse: Fuse | None = None
        self.blown = 0
        self.greeting: bytes | None = None

    @property
    def conninfo(self) -> str:
        """The same database, by way of this proxy."""
        return make_conninfo(self._target, host="127.0.0.1", port=self._port, sslmode="disable")

    @property
    def connections(self) -> int:
        """How many connections are open."""
        return len(self._links)

    async def accept(self) -> None:
        """Let connections in (again), always at the same address."""
        if self._server is None:
            loop = asyncio.get_running_loop()
            self._server = await loop.create_server(lambda: _Link(self).client, "127.0.0.1", self._port)
            self._port = self._server.sockets[0].getsockname()[1]

    def refuse(self) -> None:
        """Refuse connections, and cut those there are: the server's machine is up and the server is not."""
        if self._server is not None:
            self._server.close()
            self._server = None
        self.cut()

    def cut(self, *, harshly: bool = False) -> None:
        """Close every connection in mid-air, `harshly` with a reset."""
        for link in list(self._links):
            link.cut(harshly=harshly)

    def stall(self, *, stalled: bool) -> None:
        """Read nothing any more, so that whoever writes finds the network full; or go on reading."""
        self.stalled = stalled
        for link in self._links:
            link.stall(stalled=stalled)

    async def __aenter__(self) -> Self:
        await self.accept()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.refuse()
        # Transports close in the loop's next rounds.
        await asyncio.sleep(0.01)

    async def reach(self, end: "_End") -> asyncio.Transport:
        loop = asyncio.get_running_loop()
        if self._host.startswith("/"):
            path = os.path.join(self._host, f".s.PGSQL.{self._server_port}")  # noqa: PTH118 - a socket, no file
            transport, _ = await loop.create_unix_connection(lambda: end, path)
        else:
            transport, _ = await loop.create_connection(lambda: end, self._host, self._server_port)
        return transport

    def arrived(self, link: "_Link", way: Way, data: bytes) -> None:
        """Do to bytes what is to be done to them now."""
        self.passed[way] += len(data)
        if way in self.dropped:
            return
        fuse = self.fuse
        if fuse is not None and fuse.way is way:
            fuse.left -= len(data)
            if fuse.left <= 0:
                self.fuse = None
                self.blown += 1
                link.forward(way, data[: len(data) + fuse.left])
                link.cut(harshly=fuse.harshly)
                return
        if self.delay:
            asyncio.get_running_loop().call_later(self.delay, link.forward, way, data)
        else:
            link.forward(way, data)

    def began(self, link: "_Link") -> None:
        self.accepted += 1
        self._links.add(link)

    def ended(self, link: "_Link") -> None:
        self._links.discard(link)


class _Link:
    """One client's connection and ours to the server for it."""

    def __init__(self, proxy: Proxy) -> None:
        self._proxy = proxy
        self.client = _End(self, Way.TO_SERVER)
        self.server = _End(self, Way.TO_CLIENT)
        self._early = b""
        self._reaching: asyncio.Task[None] | None = None

    def joined(self, end: "_End") -> None:
        if end is self.client:
            self._proxy.began(self)
            if self._proxy.greeting is None:
                self._reaching = asyncio.get_running_loop().create_task(self._reach())
        self.stall(stalled=self._proxy.stalled)

    def came(self, end: "_End", data: bytes) -> None:
        if end is self.client and self._proxy.greeting is not None:
            end.write(b"N" if data == _SSL_REQUEST else self._proxy.greeting)
            if data != _SSL_REQUEST:
                self.cut()
            return
        self._proxy.arrived(self, end.way, data)

    def forward(self, way: Way, data: bytes) -> None:
        if way is Way.TO_CLIENT:
            self.client.write(data)
        elif self.server.transport is None:
            self._early += data
        else:
            self.server.write(data)

    def cut(self, *, harshly: bool = False) -> None:
        """Close both ends; what was forwarded before still arrives, unless it is done harshly."""
        self._proxy.ended(self)
        if self._reaching is not None:
            self._reaching.cancel()
        self.server.close(harshly=False)
        self.client.close(harshly=harshly)

    def stall(self, *, stalled: bool) -> None:
        for end in (self.client, self.server):
            end.stall(stalled=stalled)

    async def _reach(self) -> None:
        try:
            await self._proxy.reach(self.server)
        except OSError:
            self.cut()
            return
        self.server.write(self._early)


class _End(asyncio.Protocol):
    """One end of a link."""

    def __init__(self, link: _Link, way: Way) -> None:
        self._link = link
        self.way = way
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if not isinstance(transport, asyncio.Transport):
            raise TypeError("a stream is expected")
        self.transport = transport
        self._link.joined(self)

    def data_received(self, data: bytes) -> None:
        self._link.came(self, data)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._link.cut()

    def write(self, data: bytes) -> None:
        if data and self.transport is not None and not self.transport.is_closing():
            self.transport.write(data)

    def close(self, *, harshly: bool) -> None:
        if self.transport is None or self.transport.is_closing():
            return
        if harshly:
            self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            self.transport.abort()
        else:
            self.transport.close()

    def stall(self, *, stalled: bool) -> None:
        if self.transport is None or self.transport.is_closing():
            return
        if stalled:
            self.transport.pause_reading()
        elif not self.transport.is_reading():
            self.transport.resume_reading()


def refusal(sqlstate: str, message: str) -> bytes:
    """Return the answer of a server that lets nobody in (PostgreSQL manual, "Message Formats")."""
    fields = ("SFATAL", "VFATAL", f"C{sqlstate}", f"M{message}")
    body = b"".join(field.encode() + b"\0" for field in fields) + b"\0"
    return b"E" + struct.pack("!i", len(body) + 4) + body
