"""Idle means idle, so that a database that costs by the hour can sleep."""

import asyncio

import psycopg
import pytest

from adapters.postgres.database import Database
from tests.databases import Database as Server
from tests.integration.faults import asking
from tests.integration.faults.asking import comes_to_rest, timed
from tests.integration.faults.proxy import Proxy, Way

pytestmark = pytest.mark.anyio
ONE = b"SELECT 1"
QUIET = 5.0
BACKENDS = """
SELECT pid, state, state_change, query_start, query
  FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'chatcore' ORDER BY pid
"""


def backends(server: Server) -> list[tuple[object, ...]]:
    """Return our backends and when each was last asked anything; even an empty statement changes that."""
    with psycopg.connect(server.superuser_url) as connection:
        return connection.execute(BACKENDS.encode()).fetchall()


async def busy_for_a_moment(database: Database) -> None:
    await asyncio.gather(*(database.call(b"SELECT pg_sleep(0.01)::text") for _ in range(20)))
    assert await comes_to_rest(database)


async def quiet(server: Server, seconds: float) -> None:
    """Find that for so long nothing passes between a pool and its server, and then that it would be seen."""
    async with Proxy(server.app_url) as proxy, asking.opened(proxy.conninfo) as database:
        await busy_for_a_moment(database)
        await asyncio.sleep(0.2)
        before = backends(server), dict(proxy.passed), proxy.accepted, database.occupancy()
        assert len(before[0]) == proxy.connections > 1
        await asyncio.sleep(seconds)
        assert (backends(server), proxy.passed, proxy.accepted, database.occupancy()) == before
        await database.call(ONE)
        assert backends(server) != before[0]
        assert all(proxy.passed[way] > before[1][way] for way in Way)


async def shrinks(server: Server, seconds: float) -> None:
    """Find that a pool that lets idle connections go says nothing but goodbye."""
    async with Proxy(server.app_url) as proxy:
        database = Database(proxy.conninfo, max_size=4, max_idle=seconds / 8)
        await database.open()
        await busy_for_a_moment(database)
        sizes, before, accepted = proxy.connections, dict(proxy.passed), proxy.accepted
        assert sizes > 1
        await asyncio.sleep(seconds)
        assert proxy.connections == 1
        goodbye = 5 * (sizes - proxy.connections)
        assert proxy.passed == {
            Way.TO_SERVER: before[Way.TO_SERVER] + goodbye,
            Way.TO_CLIENT: before[Way.TO_CLIENT],
        }
        assert proxy.accepted == accepted
        await database.close()


async def stays_asleep(server: Server, seconds: float) -> None:
    """Find that a server that leaves an idle pool is not called back until somebody asks."""
    async with Proxy(server.app_url) as proxy, asking.opened(proxy.conninfo) as database:
        await busy_for_a_moment(database)
        accepted = proxy.accepted
        proxy.cut()
        await asyncio.sleep(seconds)
        assert (proxy.accepted, proxy.connections) == (accepted, 0)
        answer = await timed(database.call(ONE))
        assert answer.value == [(1,)]
        assert proxy.accepted > accepted


async def test_an_idle_pool_asks_nothing(database: Server, another_database: Server) -> None:
    # All three at once, because all three take their time.
    await asyncio.gather(
        quiet(database, QUIET), shrinks(another_database, QUIET), stays_asleep(another_database, QUIET)
    )


@pytest.mark.chaos
async def test_an_idle_pool_asks_nothing_for_eleven_minutes(database: Server) -> None:
    async with Proxy(database.app_url) as proxy, asking.opened(proxy.conninfo) as asked:
        await busy_for_a_moment(asked)
        connections, before, accepted = proxy.connections, dict(proxy.passed), proxy.accepted
        await asyncio.sleep(11 * 60)
        let_go = connections - proxy.connections
        assert proxy.accepted == accepted
        assert proxy.passed == before | {Way.TO_SERVER: before[Way.TO_SERVER] + 5 * let_go}
        assert await asked.call(ONE) == [(1,)]
