"""The pools of database connections of one process, which share the limit that is set."""

from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager

from adapters.postgres.database import Database
from entrypoints.settings import Settings
from entrypoints.wiring.storage import StorageUnusable

_FOR_SIGN_INS = 2
"""Connections to Better Auth's database, where that is another one: its answers are remembered for seconds."""


def url_of(settings: Settings) -> str:
    """Return where the database of conversations is.

    Raises:
        StorageUnusable: nobody says so, and a container starts none.
    """
    if settings.database_url is None:
        raise StorageUnusable(
            "DATABASE_URL is not set; `chatcore serve` starts a database, a container alone does not."
        )
    return settings.database_url


def main_database(settings: Settings, url: str, *, pooled: bool) -> Database:
    """Return the database of conversations, closed; a pooler keeps no prepared statements."""
    return Database(url, max_size=shares(settings)[0], prepare=not pooled)


@asynccontextmanager
async def for_a_command(url: str) -> AsyncGenerator[Database, None]:
    """Keep the database open for one command, which asks one thing after another."""
    database = Database(url, max_size=1, prepare=False)
    await database.open()
    try:
        yield database
    finally:
        await database.close()


def sign_in_database(settings: Settings, main: Database) -> Database | None:
    """Return the database that Better Auth writes to, closed, where its sessions are used."""
    if settings.better_auth_secret is None or settings.sessions_url is None:
        return None
    size = shares(settings)[1]
    return Database(settings.sessions_url, max_size=size, prepare=False) if size else main


def figures(database: Database | None) -> Iterable[tuple[str, str, float]]:
    """Return how much of the pool is used now, and whether the database is known to be away."""
    if database is None:
        return
    occupancy = database.occupancy()
    yield "pool_connections", "Database connections that are open", occupancy["size"]
    yield "pool_connections_idle", "Database connections that are open and not in use", occupancy["idle"]
    yield "pool_waiting", "Calls that wait because no database connection is free", occupancy["waiting"]
    yield (
        "pool_held_back",
        "Calls that wait for others of their owner, connections being free",
        occupancy["held_back"],
    )
    waits, waited = database.waits
    yield "pool_waits_total", "Times that calls waited for their turn or a connection", waits
    yield "pool_wait_seconds_total", "Seconds that calls waited for their turn or a connection", waited
    yield "database_breaker_open", "Whether the database is known to be away", float(database.away)


def shares(settings: Settings) -> tuple[int, int]:
    """Return how many connections the main database may have, and Better Auth's where that is another one."""
    if settings.sessions_url in {None, settings.database_url}:
        return settings.pool_max, 0
    for_sign_ins = max(1, min(_FOR_SIGN_INS, settings.pool_max // 2))
    return max(1, settings.pool_max - for_sign_ins), for_sign_ins
