"""Runs the application in uvicorn, and ends it so that nothing that was accepted is lost.

When the process is asked to stop, running turns are first given time to end while no new ones are taken; a
turn that takes longer is handed over, and whoever listens to it is told so. Then whatever still waits for
something else (a turn of another server, the rest of a body, a reader that does not read) is sent away, and
only then is the pool emptied. A second signal makes an end of the waiting.
"""

import asyncio
import secrets
import signal
import socket
from collections.abc import Awaitable, Callable, Coroutine, Generator
from contextlib import contextmanager
from types import FrameType

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from entrypoints.http import problems
from entrypoints.settings import Settings

_TO_HAND_OVER = 6.0
"""Seconds beyond the drain after which connections that are still busy are cut."""
_TO_SAY_GOODBYE = 0.5
"""Seconds in which the last words of turns that just ended leave the house."""
_LOOK = 0.1

Drain = Callable[[float], Coroutine[None, None, None]]
"""Ends the turns that run: those that take longer than so many seconds are handed over."""


class Protocol(HttpToolsProtocol):
    """HTTP, whose refusal of what is none is a problem document as every other one."""

    def send_400_response(self, msg: str) -> None:
        """Refuse and close; in the middle of a response only close, for two cannot be told apart."""
        del msg
        if self.cycle is None or self.cycle.response_complete:
            request_id = secrets.token_hex(16)
            body = problems.encode(problems.of_nonsense(request_id))
            self.transport.write(
                b"HTTP/1.1 400 Bad Request\r\ncontent-type: %b\r\ncontent-length: %d\r\nx-request-id: %b\r\n"
                b"cache-control: no-store\r\nconnection: close\r\n\r\n%b"
                % (problems.MEDIA_TYPE.encode(), len(body), request_id.encode(), body)
            )
        self.transport.close()


class Server(uvicorn.Server):
    """uvicorn, with a stop that begins with draining, and a word when it is ready."""

    def __init__(
        self,
        app: Callable[..., Awaitable[None]],
        settings: Settings,
        *,
        drain: Drain,
        ready: Callable[[], None],
        tick: Callable[[], None],
    ) -> None:
        """Take the application, what ends its turns, who is told when requests are accepted, and who is
        called ten times a second on the main thread.
        """
        super().__init__(
            uvicorn.Config(
                app,
                http=Protocol,
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
        self._grace = settings.drain
        self._ready = ready
        self._tick = tick
        self._hurried = False

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and say so."""
        await super().startup(sockets)
        if self.started:
            self._ready()

    async def on_tick(self, counter: int) -> bool:
        """Do what is to be done from time to time, and return whether to stop."""
        self._tick()
        return await super().on_tick(counter)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop; asked a second time, without waiting for turns. The pool is emptied even so."""
        del sig, frame
        self._hurried = self.should_exit
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the turns while connections are still served, then everything else."""
        ending = asyncio.create_task(self._end_requests())
        await super().shutdown(sockets)
        await ending

    async def _end_requests(self) -> None:
        loop = asyncio.get_running_loop()
        until = loop.time() + self._grace
        draining = asyncio.create_task(self._drain(self._grace))
        # Looked at from time to time, as uvicorn looks: its set of requests tells nobody when it is empty.
        while not self._hurried and loop.time() < until and (self.server_state.tasks or not draining.done()):  # noqa: ASYNC110
            await asyncio.sleep(_LOOK)
        if self._hurried:
            await self._drain(0)
        await draining
        await asyncio.sleep(_TO_SAY_GOODBYE)
        for task in self.server_state.tasks:
            task.cancel()
        await asyncio.sleep(_TO_SAY_GOODBYE)
        for connection in list(self.server_state.connections):
            # Not closed: that would wait for a reader that does not read.
            connection.transport.abort()

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Take the signals, and do not send them on afterwards: there is more to be closed after us."""
        before = {sign: signal.signal(sign, self.handle_exit) for sign in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for sign, handler in before.items():
                signal.signal(sign, handler)
