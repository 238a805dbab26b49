"""Short ways to ask a database that misbehaves, and to see how it went."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from time import monotonic
from typing import Generic, TypeVar

from psycopg.conninfo import make_conninfo

from adapters.postgres.database import Database
from chatcore.errors import DatabaseUnavailable

T = TypeVar("T")
SECONDS = 1.0
"""The budget of a call in most of these tests; the real one is longer, and everything scales with it."""
CONNECTING = 2
"""Seconds after which an attempt to connect is given up here, the fewest that libpq takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer(Generic[T]):
    """What a call returned or raised, and how many seconds it took."""

    value: T | None
    error: DatabaseUnavailable | None
    seconds: float


@asynccontextmanager
async def opened(
    conninfo: str, *, budget: float = SECONDS, max_size: int = 4, prepare: bool = True
) -> AsyncIterator[Database]:
    """Yield an opened database."""
    hurried = make_conninfo(conninfo, connect_timeout=CONNECTING)
    database = Database(hurried, max_size=max_size, prepare=prepare, budget=budget)
    await database.open()
    try:
        yield database
    finally:
        await database.close()


async def timed(call: Awaitable[T]) -> Answer[T]:
    """Return how a call went; any error but DatabaseUnavailable is the test's."""
    began = monotonic()
    try:
        return Answer(value=await call, error=None, seconds=monotonic() - began)
    except DatabaseUnavailable as error:
        return Answer(value=None, error=error, seconds=monotonic() - began)


async def returns(database: Database, seconds: float = 10.0) -> float:
    """Return how many seconds pass until a caller who asks again and again is answered."""
    began = monotonic()
    while monotonic() - began < seconds:
        if (await timed(database.call(b"SELECT 1"))).error is None:
            return monotonic() - began
        await asyncio.sleep(0.02)
    raise AssertionError("it never came back")


async def soon(condition: Callable[[], bool], seconds: float = 2.0) -> bool:
    """Return whether the condition comes true within some seconds."""
    until = monotonic() + seconds
    while not condition():
        if monotonic() > until:
            return False
        await asyncio.sleep(0.005)
    return True


async def comes_to_rest(database: Database, seconds: float = 2.0) -> bool:
    """Return whether every connection of the pool is idle within some seconds, and nobody waits for one."""

    def rests() -> bool:
        figures = database.occupancy()
        return figures["idle"] == figures["size"] and not figures["waiting"]

    return await soon(rests, seconds)
