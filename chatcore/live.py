"""A turn that runs in this process: what it has said so far, shared by everybody here who listens to it."""

import asyncio
from collections.abc import AsyncGenerator
from functools import partial

from chatcore.events import Delta, Ending, Position, Silence
from chatcore.ports.turn_store import Lease


class LiveTurn:
    """One running attempt. One task speaks, any number listen, and none waits for a slow listener."""

    def __init__(self, lease: Lease) -> None:
        """Begin with nothing said."""
        self.lease = lease
        self.length = 0
        self.spoke_at: float | None = None
        self.ending: Ending | None = None
        self._pieces: list[str] = []
        self._over = False
        self._waiting: set[asyncio.Future[bool]] = set()

    def say(self, text: str) -> None:
        """Add the next piece of the reply; `spoke_at` is when the first one came, on the loop's clock."""
        if self.spoke_at is None:
            self.spoke_at = asyncio.get_running_loop().time()
        self._pieces.append(text)
        self.length += len(text)
        self._wake()

    def end(self, ending: Ending | None) -> None:
        """Tell everybody how the turn ended; None where it goes on, or ended, elsewhere: the store knows how.

        The first ending told is the one that counts.
        """
        if not self._over:
            self.ending, self._over = ending, True
            self._wake()

    def text(self, offset: int = 0) -> str:
        """Return what was said after so many characters."""
        return "".join(self._pieces)[offset:]

    async def ended(self) -> Ending | None:
        """Wait for the end and return it; None where the store knows more."""
        while not self._over:
            await self._news(None)
        return self.ending

    async def events(self, offset: int, patience: float) -> AsyncGenerator[Delta | Ending | Silence, None]:
        """Yield what was and will be said after `offset`, then the ending, if it is known here.

        Whatever gathered while the listener was busy comes as one piece. `Silence` comes after each
        `patience` seconds without news.
        """
        heard = 0
        while True:
            if heard < len(self._pieces):
                fresh = "".join(self._pieces[heard:])
                start = self.length - len(fresh)
                heard = len(self._pieces)
                if text := fresh[max(0, offset - start) :]:
                    yield Delta(text=text, position=Position(attempt=self.lease.attempt, offset=self.length))
            elif self._over:
                break
            elif not await self._news(patience):
                yield Silence()
        if self.ending is not None:
            yield self.ending

    async def _news(self, patience: float | None) -> bool:
        """Wait until something happens, and return whether it did within `patience` seconds."""
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[bool] = loop.create_future()
        timer = None if patience is None else loop.call_later(patience, partial(_settle, waiter, news=False))
        self._waiting.add(waiter)
        try:
            return await waiter
        finally:
            self._waiting.discard(waiter)
            if timer is not None:
                timer.cancel()

    def _wake(self) -> None:
        for waiter in self._waiting:
            _settle(waiter, news=True)


def _settle(waiter: asyncio.Future[bool], *, news: bool) -> None:
    if not waiter.done():
        waiter.set_result(news)
