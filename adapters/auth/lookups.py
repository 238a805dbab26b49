"""Asks about a credential once and goes by the answer for at most ten seconds, so that revoking works.

Anybody can make up credentials, each of which has to be looked up before anything bounds whoever sent it. So
only a few are looked up at a time, and those that cannot wait any more are sent away.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from adapters.auth.memory import Memory
from chatcore.errors import Overloaded

LASTING = 10.0
"""Seconds for which an answer counts, from the moment it was asked for."""

AT_ONCE = 4
"""Look-ups under way at a time, each some thousandths of a second."""
WAITING = 2_000
"""Credentials that may wait to be looked up, which takes about a second then."""

T = TypeVar("T")


class Lookups(Generic[T]):
    """Answers of the last ten seconds. Simultaneous questions about one credential are asked once.

    Of what is known to be so, nothing has to wait.
    """

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Take a clock of seconds that never goes back."""
        self._monotonic = monotonic
        self._answers = Memory[tuple[T]]()
        self._asking: dict[str, asyncio.Task[T]] = {}
        self._places = asyncio.Semaphore(AT_ONCE)

    async def ask(self, credential: str, look: Callable[[], Awaitable[T]]) -> T:
        """Return what `look` says, or said within the last ten seconds; what it raises is not remembered.

        Raises:
            Overloaded: too many others wait to be looked up.
        """
        known = self._answers.recall(credential, self._monotonic())
        if known is not None:
            return known[0]
        asking = self._asking.get(credential)
        if asking is None:
            if len(self._asking) >= WAITING:
                raise Overloaded(retry_after=1)
            asking = asyncio.create_task(self._look(credential, look))
            asking.add_done_callback(_noticed)
            self._asking[credential] = asking
        # Whoever goes away takes nobody else's answer along.
        await asyncio.wait({asking})
        return asking.result()

    async def _look(self, credential: str, look: Callable[[], Awaitable[T]]) -> T:
        try:
            async with self._places:
                asked_at = self._monotonic()
                answer = await look()
        finally:
            del self._asking[credential]
        self._answers.keep(credential, (answer,), asked_at + LASTING)
        return answer


def _noticed(task: "asyncio.Task[T]") -> None:
    if not task.cancelled():
        task.exception()
