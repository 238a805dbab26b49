"""A turn that runs in this process: what it has said so far, shared by everybody here who listens to it."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from time import monotonic

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
        self._ears: set[_Ear] = set()

    def say(self, text: str) -> None:
        """Add the next piece of the reply; `spoke_at` is when the first one came, on a monotonic clock."""
        if self.spoke_at is None:
            self.spoke_at = monotonic()
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
        with self._listening(None) as ear:
            while not self._over:
                await ear.news()
        return self.ending

    async def events(self, offset: int, patience: float) -> AsyncGenerator[Delta | Ending | Silence, None]:
        """Yield what was and will be said after `offset`, then the ending, if it is known here.

        Whatever gathered while the listener was busy comes as one piece. `Silence` comes after each
        `patience` seconds without news.
        """
        heard = 0
        with self._listening(patience) as ear:
            while True:
                if heard < len(self._pieces):
                    fresh = "".join(self._pieces[heard:])
                    start = self.length - len(fresh)
                    heard = len(self._pieces)
                    if text := fresh[max(0, offset - start) :]:
                        yield Delta(
                            text=text, position=Position(attempt=self.lease.attempt, offset=self.length)
                        )
                elif self._over:
                    break
                elif not await ear.news():
                    yield Silence()
        if self.ending is not None:
            yield self.ending

    @contextmanager
    def _listening(self, patience: float | None) -> Iterator["_Ear"]:
        ear = _Ear(patience)
        self._ears.add(ear)
        try:
            yield ear
        finally:
            self._ears.discard(ear)
            ear.close()

    def _wake(self) -> None:
        for ear in self._ears:
            ear.wake(news=True)


class _Ear:
    """One listener, woken by news, or by so many seconds without.

    One timer serves all its waits: it is moved on when it rings, not when something was heard.
    """

    def __init__(self, patience: float | None) -> None:
        self._loop = asyncio.get_running_loop()
        self._patience = patience
        self._waiter: asyncio.Future[bool] | None = None
        self._since = 0.0
        self._timer: asyncio.TimerHandle | None = None

    async def news(self) -> bool:
        """Wait until something happens, and return whether it did within the patience."""
        if self._patience is not None:
            self._since = self._loop.time()
            if self._timer is None:
                self._timer = self._loop.call_later(self._patience, self._ring, self._patience)
        self._waiter = self._loop.create_future()
        try:
            return await self._waiter
        finally:
            self._waiter = None

    def wake(self, *, news: bool) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(news)

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _ring(self, patience: float) -> None:
        left = self._since + patience - self._loop.time()
        if left > 0:
            self._timer = self._loop.call_later(left, self._ring, patience)
        else:
            self._timer = None
            self.wake(news=False)
