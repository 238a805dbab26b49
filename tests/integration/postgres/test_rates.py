"""What rates leave behind is swept away, and what they lock is nobody else's."""

import asyncio
import logging
from collections.abc import AsyncIterator

import psycopg
import pytest
from psycopg import sql

from adapters.postgres.database import Database as Pool
from adapters.postgres.rates import Sweep
from tests.databases import Database

pytestmark = pytest.mark.anyio
_LEFT = "INSERT INTO chatcore.rate_bucket (owner, slot, whole_at) VALUES (%s, 0, clock_timestamp() + %s * interval '1 s')"


@pytest.fixture
async def pool(database: Database, anyio_backend: str) -> AsyncIterator[Pool]:
    del anyio_backend
    made = Pool(database.app_url, max_size=2)
    await made.open()
    yield made
    await made.close()


def subjects(database: Database) -> list[str]:
    with psycopg.connect(database.superuser_url) as superuser:
        return [str(row[0]) for row in superuser.execute("SELECT owner FROM chatcore.rate_bucket").fetchall()]


async def swept(sweep: Sweep, questions: int) -> None:
    before = asyncio.all_tasks()
    for _ in range(questions):
        sweep.count()
    await asyncio.gather(*(asyncio.all_tasks() - before))


async def test_allowances_that_have_been_whole_for_a_while_are_swept_away(
    database: Database, pool: Pool
) -> None:
    with psycopg.connect(database.superuser_url) as superuser:
        for owner, seconds in (("long ago", -61), ("just now", -30), ("@192.0.2.1", -3600), ("not yet", 5)):
            superuser.execute(_LEFT, (owner, seconds))
    sweep = Sweep(pool, every=3)
    await swept(sweep, 2)
    assert len(subjects(database)) == 4
    await swept(sweep, 1)
    assert sorted(subjects(database)) == ["just now", "not yet"]


async def test_a_sweep_that_is_refused_is_told_in_the_log_and_breaks_nothing(
    database: Database, pool: Pool, caplog: pytest.LogCaptureFixture
) -> None:
    with psycopg.connect(database.owner_url) as owner:
        owner.execute("DROP FUNCTION chatcore.sweep_rates()")
    with caplog.at_level(logging.WARNING):
        await swept(Sweep(pool, every=1), 1)
    assert "not swept" in caplog.text


async def test_a_user_named_like_the_migrations_lock_keeps_nobody_from_migrating(database: Database) -> None:
    with (
        psycopg.connect(database.app_url) as asking,
        psycopg.connect(database.owner_url, autocommit=True) as migrating,
    ):
        asking.execute("SELECT chatcore.charge_rate('chatcore.migrate', 10, 60)")
        lock = sql.SQL("SELECT pg_try_advisory_lock(hashtextextended('chatcore.migrate', 0))")
        assert migrating.execute(lock).fetchone() == (True,)
