"""A moment by which several waits, one after the other, must be over."""

import asyncio
from collections.abc import Awaitable
from types import TracebackType
from typing import Self, TypeVar

T = TypeVar("T")


class Deadline:
    """Cuts waits short that go beyond it; what its owner does between two waits is never touched.

    One timer serves all waits of a streamed reply. `asyncio.timeout` would set up one for each, a sixth of
    what reading the reply costs.
    """

    def __init__(self, seconds: float) -> None:
        """Set it so many seconds from now; it is over with the context it is used as."""
        self._loop = asyncio.get_running_loop()
        self._at = self._loop.time() + seconds
        self._timer = self._loop.call_at(self._at, self._ring)
        self._over = False
        self._waiting: asyncio.Task[object] | None = None
        self._cut = False

    def __enter__(self) -> Self:
        """Count from where it was made."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop counting."""
        del kind, error, trace
        self._timer.cancel()

    def shorten(self, seconds: float) -> None:
        """Bring it forward to so many seconds from now; it is never put off."""
        at = self._loop.time() + seconds
        if at < self._at and not self._over:
            self._timer.cancel()
            self._at = at
            self._timer = self._loop.call_at(at, self._ring)

    async def wait(self, awaitable: Awaitable[T]) -> T:
        """Return what is awaited; once the deadline is over, only what is there at once.

        Raises:
            TimeoutError: it did not come in time.
        """
        task = asyncio.current_task(self._loop)
        if task is None:
            raise RuntimeError("a deadline cuts tasks short")
        cancelling = task.cancelling()
        self._waiting = task
        if self._over:
            self._loop.call_soon(self._ring)
        try:
            return await awaitable
        except asyncio.CancelledError as error:
            if self._cut and task.cancelling() <= cancelling + 1:
                raise TimeoutError from error
            raise
        finally:
            if self._cut:
                task.uncancel()
            self._waiting, self._cut = None, False

    def _ring(self) -> None:
        self._over = True
        if self._waiting is not None and not self._cut:
            self._cut = True
            self._waiting.cancel()
