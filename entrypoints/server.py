"""Runs the application in uvicorn, and ends it so that nothing that was accepted is lost.

When the process is asked to stop, running turns are first given time to end while no new ones are taken; a
turn that takes longer is handed over, and whoever listens to it is told so. Only then are connections
closed and the pool emptied.
"""

import asyncio
import signal
import socket
from collections.abc import Callable, Coroutine, Generator
from contextlib import contextmanager

import uvicorn
from uvicorn._types import ASGIApplication

from entrypoints.settings import Settings

_TO_HAND_OVER = 6.0
"""Seconds beyond the drain after which connections that are still busy are cut."""


class Server(uvicorn.Server):
    """uvicorn, with a stop that begins with draining, and a word when it is ready."""

    def __init__(
        self,
        app: ASGIApplication,
        settings: Settings,
        *,
        drain: Callable[[], Coroutine[None, None, None]],
        ready: Callable[[], None],
        tick: Callable[[], None],
    ) -> None:
        """Take the application, what ends its turns, who is told when requests are accepted, and who is
        called ten times a second on the main thread.
        """
        super().__init__(
            uvicorn.Config(
                app,
                http="httptools",
                ws="none",
                lifespan="on",
                access_log=False,
                log_config=None,
                server_header=False,
                proxy_headers=False,
                timeout_graceful_shutdown=round(settings.drain + _TO_HAND_OVER),
            )
        )
        self._drain = drain
        self._ready = ready
        self._tick = tick
        self._draining: asyncio.Task[None] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and say so."""
        await super().startup(sockets)
        if self.started:
            self._ready()

    async def on_tick(self, counter: int) -> bool:
        """Do what is to be done from time to time, and return whether to stop."""
        self._tick()
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the turns while connections are still served, then everything else."""
        self._draining = asyncio.create_task(self._drain())
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Take the signals, and do not send them on afterwards: there is more to be closed after us."""
        before = {sign: signal.signal(sign, self.handle_exit) for sign in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for sign, handler in before.items():
                signal.signal(sign, handler)
