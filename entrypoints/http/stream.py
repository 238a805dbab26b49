"""A stream of a turn's events as an ASGI application: one frame per send, and always a last one."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable
from contextlib import aclosing

from litestar.types import Receive, Scope, Send

from chatcore.errors import ChatError, Overloaded
from chatcore.events import Ending, TurnEvent
from entrypoints.http.replies import Headers
from entrypoints.http.sse import Frames

EVENT_STREAM = (b"content-type", b"text/event-stream")
HEADERS = (
    EVENT_STREAM,
    (b"cache-control", b"no-cache, no-transform"),
    (b"x-accel-buffering", b"no"),
)


class EventStream:
    """Sends events as they come. A reader that leaves ends the listening, not the turn."""

    __slots__ = ("_events", "_first", "_frames", "_headers")

    def __init__(
        self,
        events: AsyncGenerator[TurnEvent, None],
        frames: Frames,
        headers: Headers = (),
        first: TurnEvent | None = None,
    ) -> None:
        """Take the events, who makes frames of them, more headers, and the first event where it was taken."""
        self._events = events
        self._frames = frames
        self._headers = headers
        self._first = first

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the events until the turn has ended or nobody listens any more."""
        async with aclosing(self._events) as events:
            await send({"type": "http.response.start", "status": 200, "headers": [*HEADERS, *self._headers]})
            if scope.get("method") == "HEAD":
                await _send(send, b"", more=False)
                return
            left = asyncio.create_task(_departure(receive))
            try:
                await self._tell(events, send, left)
            finally:
                left.cancel()

    async def _tell(
        self, events: AsyncGenerator[TurnEvent, None], send: Send, left: asyncio.Task[None]
    ) -> None:
        if self._first is not None:
            await _send(send, self._frames.frame(self._first))
        try:
            # The listening is never cancelled: it may be inside the database's driver. It is left between
            # two events, and `Silence` is one, so that nobody's departure goes unnoticed for long.
            async for event in events:
                if left.done():
                    return
                ended = isinstance(event, Ending)
                await _send(send, self._frames.frame(event), more=not ended)
                if ended:
                    return
        except ChatError as error:
            await _send(send, self._frames.failure(error), more=False)
        except asyncio.CancelledError:
            # The server stops, and the turn goes on elsewhere. A cut stream looks to a client like a good end.
            away = Overloaded("this server is stopping; go on elsewhere with Last-Event-ID", retry_after=1)
            await _send(send, self._frames.failure(away), more=False)
            raise
        except Exception as bug:
            await _send(send, self._frames.failure(bug), more=False)
            raise


def _send(send: Send, frame: bytes, *, more: bool = True) -> Awaitable[None]:
    return send({"type": "http.response.body", "body": frame, "more_body": more})


async def _departure(receive: Receive) -> None:
    """Return when the reader has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass
