"""Where connections to PostgreSQL come from: psycopg's pool, and those at hand that were in use just now.

The pool opens, replaces, ages and closes them. Asking it takes longer than a small statement does, so under
load a connection is passed on from one call to the next, and goes back once nobody has asked for a while.
"""

import asyncio
import random
from collections.abc import Mapping
from contextlib import suppress
from time import monotonic

from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout

from adapters.postgres.failures import Transient
from adapters.postgres.wire import Wire

_KEPT_AT_HAND = 0.5
"""Seconds after which connections at hand go back to the pool, which closes those that are not needed."""
_GIVEN_UP_AFTER = 1.0
"""Seconds after a failed connect in which it is tried again without being asked."""


class Connections:
    """The connections of one process to one database. Built closed; `open` and `close` them."""

    def __init__(self, options: Mapping[str, object], *, max_size: int, max_idle: float, name: str) -> None:
        """Take psycopg's options for a connection, how many there may be, after how many seconds those that
        nobody needs are closed, and what to call them in logs.
        """
        self._pool = AsyncConnectionPool(
            kwargs=dict(options),
            connection_class=Wire,
            min_size=min(1, max_size),
            max_size=max_size,
            max_idle=max_idle,
            open=False,
            # Whoever needs a connection tries again; a pool that tried by itself would sleep ever longer.
            reconnect_timeout=0,
            reconnect_failed=self._unreachable,
            name=name,
        )
        self._at_hand: list[Wire] = []
        self._returning: set[asyncio.Task[None]] = set()
        self._hand_back: asyncio.TimerHandle | None = None
        self._prober: asyncio.Task[None] | None = None
        self._waiting = self._waits = 0
        self._waited = 0.0
        self._failed_at = float("-inf")

    async def open(self) -> None:
        """Begin to connect, without waiting for it: a database that is away does not keep us from starting."""
        self._loop = asyncio.get_running_loop()
        await self._pool.open()

    async def close(self) -> None:
        """Close all connections, after which none can be taken any more."""
        if self._hand_back is not None:
            self._hand_back.cancel()
        self._return_all()
        self._at_hand.clear()
        if self._prober is not None:
            self._prober.cancel()
            self._returning.add(self._prober)
        if self._returning:
            await asyncio.wait(self._returning)
        await self._pool.close()

    @property
    def waits(self) -> tuple[int, float]:
        """How many calls found nothing at hand so far, and how many seconds they waited for the pool in all."""
        return self._waits, self._waited

    def occupancy(self) -> Mapping[str, int]:
        """Return how many connections there are, how many of them are idle, and how many calls wait for one."""
        figures = self._pool.get_stats()
        lost = sum(wire.closed for wire in self._at_hand)
        return {
            "size": figures.get("pool_size", 0) - lost,
            "idle": figures.get("pool_available", 0) + len(self._at_hand) - lost,
            "waiting": figures.get("requests_waiting", 0),
        }

    async def take(self, patience: float) -> Wire:
        """Return a connection, which is the caller's until it is given back.

        Raises:
            Transient: there was none within so many seconds.
        """
        while self._at_hand:
            wire = self._at_hand.pop()
            if not wire.closed:
                return wire
            await self._pool.putconn(wire)
        return await self._pooled(monotonic() + patience)

    async def give_back(self, wire: Wire) -> None:
        """Take a connection back, whatever became of it."""
        if self._waiting or wire.closed:
            await self._pool.putconn(wire)
            return
        self._at_hand.append(wire)
        if self._hand_back is None:
            self._hand_back = self._loop.call_later(_KEPT_AT_HAND, self._return_all)

    def give_back_later(self, wire: Wire) -> None:
        """Take a connection back from somebody who cannot wait."""
        task = self._loop.create_task(self._pool.putconn(wire))
        self._returning.add(task)
        task.add_done_callback(self._returning.discard)

    async def _pooled(self, deadline: float) -> Wire:
        began = monotonic()
        self._waiting += 1
        self._waits += 1
        try:
            while True:
                wire = await self._pool.getconn(timeout=deadline - monotonic())
                if not wire.closed:
                    return wire
                await self._pool.putconn(wire)
        except PoolTimeout as error:
            raise Transient("no connection in time", stale=True) from error
        except PoolClosed as error:
            raise Transient("closed", stale=False) from error
        finally:
            self._waiting -= 1
            self._waited += monotonic() - began

    def _return_all(self) -> None:
        self._hand_back = None
        for wire in self._at_hand:
            if not wire.closed:
                self.give_back_later(wire)
        # For one that the server has closed the pool would open another, though nobody asks.
        self._at_hand = [wire for wire in self._at_hand if wire.closed]

    def _unreachable(self, _pool: AsyncConnectionPool[Wire]) -> None:
        self._failed_at = monotonic()
        if self._prober is None or self._prober.done():
            self._prober = self._loop.create_task(self._probe())

    async def _probe(self) -> None:
        """Have the pool try to connect again, which it does when it is asked, while there are calls waiting."""
        while self._waiting and monotonic() - self._failed_at < _GIVEN_UP_AFTER:
            await asyncio.sleep(random.uniform(0.05, 0.25))  # noqa: S311 - chance, no secret
            with suppress(PoolTimeout, PoolClosed):
                await self._pool.putconn(await self._pool.getconn(timeout=0.01))
