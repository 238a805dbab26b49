"""Asks about a credential once and goes by the answer for at most ten seconds, so that revoking works."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from adapters.auth.memory import Memory

LASTING = 10.0
"""Seconds for which an answer counts, from the moment it was asked for."""

T = TypeVar("T")


class Lookups(Generic[T]):
    """Answers of the last ten seconds. Simultaneous questions about one credential are asked once."""

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Take a clock of seconds that never goes back."""
        self._monotonic = monotonic
        self._answers = Memory[tuple[T]]()
        self._asking: dict[str, asyncio.Task[T]] = {}

    async def ask(self, credential: str, look: Callable[[], Awaitable[T]]) -> T:
        """Return what `look` says, or said within the last ten seconds; what it raises is not remembered."""
        known = self._answers.recall(credential, self._monotonic())
        if known is not None:
            return known[0]
        asking = self._asking.get(credential)
        if asking is None:
            asking = asyncio.create_task(self._look(credential, look))
            asking.add_done_callback(_noticed)
            self._asking[credential] = asking
        # Whoever goes away takes nobody else's answer along.
        await asyncio.wait({asking})
        return asking.result()

    async def _look(self, credential: str, look: Callable[[], Awaitable[T]]) -> T:
        asked_at = self._monotonic()
        try:
            answer = await look()
        finally:
            del self._asking[credential]
        self._answers.keep(credential, (answer,), asked_at + LASTING)
        return answer


def _noticed(task: "asyncio.Task[T]") -> None:
    if not task.cancelled():
        task.exception()
