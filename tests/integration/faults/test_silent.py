"""Packets vanish, and every call still ends in time, gives its connection back, and then all is well again."""

import asyncio
from time import monotonic

import pytest

from tests.databases import Database as Server
from tests.integration.faults.asking import CONNECTING, SECONDS, comes_to_rest, opened, returns, timed
from tests.integration.faults.proxy import Proxy, Way

pytestmark = pytest.mark.anyio
SLACK = 1.0
ONE = b"SELECT 1"
BOTH_WAYS = frozenset(Way)
EACH_WAY = [frozenset({Way.TO_SERVER}), frozenset({Way.TO_CLIENT}), BOTH_WAYS]


async def test_every_call_ends_in_time_and_is_answered_again_later(database: Server) -> None:
    # Each way in which packets can vanish, all at once to save time.
    await asyncio.gather(*(outlives(database.app_url, lost) for lost in EACH_WAY), wakes(database.app_url))


async def outlives(url: str, lost: frozenset[Way]) -> None:
    """Find that a pool in use gets over packets that are lost for a while."""
    async with Proxy(url) as proxy, opened(proxy.conninfo) as database:
        await asyncio.gather(*(database.call(ONE) for _ in range(8)))
        proxy.dropped = lost
        answers = await asyncio.gather(*(timed(database.call(ONE)) for _ in range(12)))
        assert all(answer.error is not None for answer in answers)
        assert max(answer.seconds for answer in answers) < SECONDS + SLACK
        assert database.away
        refused = await timed(database.call(ONE))
        assert refused.error is not None
        assert refused.error.retry_after == 2
        assert refused.seconds < 0.05
        proxy.dropped = frozenset()
        assert await returns(database) < CONNECTING + SLACK
        assert not database.away
        assert await comes_to_rest(database, 4)


async def wakes(url: str) -> None:
    """Find the same where the very first connection is met with silence."""
    async with Proxy(url) as proxy, opened(proxy.conninfo) as database:
        proxy.dropped = BOTH_WAYS
        answer = await timed(database.call(ONE))
        assert answer.error is not None
        assert answer.seconds < SECONDS + SLACK
        assert database.away
        proxy.dropped = frozenset()
        assert await returns(database) < CONNECTING + SLACK


async def test_a_cancelled_caller_leaves_at_once_and_its_connection_comes_back(proxy: Proxy) -> None:
    async with opened(proxy.conninfo) as database:
        await asyncio.gather(*(database.call(ONE) for _ in range(8)))
        proxy.dropped = BOTH_WAYS
        calls = [asyncio.create_task(database.call(ONE)) for _ in range(8)]
        await asyncio.sleep(0.1)
        began = monotonic()
        for call in calls:
            call.cancel()
        await asyncio.wait(calls)
        assert monotonic() - began < 0.2
        assert all(call.cancelled() for call in calls)
        proxy.dropped = frozenset()
        assert await comes_to_rest(database, 4)
        assert await database.call(ONE) == [(1,)]


async def test_callers_that_come_and_go_at_random_leak_nothing(proxy: Proxy) -> None:
    async with opened(proxy.conninfo) as database:
        for number in range(40):
            calls = [asyncio.create_task(database.call(b"SELECT pg_sleep(0.001)")) for _ in range(12)]
            for place, call in enumerate(calls):
                await asyncio.sleep(0.0002 * (number % 7))
                if place % 3:
                    call.cancel()
            await asyncio.wait(calls)
            if number % 20 == 10:
                proxy.cut()
        assert await comes_to_rest(database, 4)
        assert database.occupancy()["size"] <= 4
        assert await database.call(ONE) == [(1,)]


async def test_a_network_that_is_full_holds_nobody_up(proxy: Proxy) -> None:
    large = "x" * 16_000_000
    async with opened(proxy.conninfo, budget=1.5) as database:
        await database.call(ONE)
        proxy.stall(stalled=True)
        answer = await timed(database.call(b"SELECT length($1::text)", large))
        assert answer.error is not None
        assert answer.seconds < 1.5 + SLACK
        proxy.stall(stalled=False)
        assert await returns(database) < CONNECTING + SLACK
        assert await database.call(b"SELECT length($1::text)", large) == [(len(large),)]
        assert await comes_to_rest(database, 4)


async def test_a_slow_network_is_no_silent_one(proxy: Proxy) -> None:
    async with opened(proxy.conninfo) as database:
        await database.call(ONE)
        proxy.delay = 0.1
        answers = await asyncio.gather(*(timed(database.call(ONE)) for _ in range(4)))
        assert [answer.value for answer in answers] == [[(1,)]] * 4
