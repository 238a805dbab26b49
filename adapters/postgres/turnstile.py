"""Lets so many calls at a time to the database, few of them one owner's; those that wait take turns by owner.

Whoever asks a hundred times as much as others so waits a hundred times as long, and not everybody else with them.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Hashable
from time import monotonic

from adapters.postgres.failures import Transient

_SHARE = 3
"""Of so many places one owner may have one: so many statements of one at once would slow down all others'."""


class Turnstile:
    """So many places, and a queue for each owner that has calls waiting."""

    def __init__(self, places: int) -> None:
        """Take how many calls may be inside at once; `free` is how many of the places nobody has."""
        self.free = places
        self._share = max(1, places // _SHARE)
        self._inside = Counter[Hashable]()
        # In the order in which they are served next; one that was served goes to the end.
        self._queues: dict[Hashable, deque[asyncio.Future[None]]] = {}
        self.waiting = self.waits = 0
        self.waited = 0.0

    def passed(self, owner: Hashable) -> bool:
        """Enter at once, if there is a place, which there is not while one waits who may have it."""
        if self.free and not self._sated(owner):
            self.free -= 1
            self._inside[owner] += 1
            return True
        return False

    async def wait(self, owner: Hashable, patience: float) -> None:
        """Enter when it is this call's turn.

        Raises:
            Transient: it was not within so many seconds.
        """
        loop, began = asyncio.get_running_loop(), monotonic()
        turn: asyncio.Future[None] = loop.create_future()
        timer = loop.call_later(patience, _too_late, turn)
        self._queues.setdefault(owner, deque()).append(turn)
        self.waiting += 1
        self.waits += 1
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self.leave(owner)  # It became ours as we were leaving.
            raise
        finally:
            timer.cancel()
            self.waiting -= 1
            self.waited += monotonic() - began

    def leave(self, owner: Hashable) -> None:
        """Leave the place to whoever is next."""
        self.free += 1
        self._inside[owner] -= 1
        if not self._inside[owner]:
            del self._inside[owner]
        for other, queue in list(self._queues.items()):
            while queue and queue[0].done():
                queue.popleft()
            if queue and self._sated(other):
                continue
            del self._queues[other]
            if queue:
                turn = queue.popleft()
                if queue:
                    self._queues[other] = queue
                self.free -= 1
                self._inside[other] += 1
                turn.set_result(None)
                return

    def _sated(self, owner: Hashable) -> bool:
        """Return whether an owner has as many places as one may."""
        return self._inside[owner] >= self._share


def _too_late(turn: "asyncio.Future[None]") -> None:
    if not turn.done():
        turn.set_exception(Transient("no connection in time", stale=True))
