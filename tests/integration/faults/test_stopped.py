"""The server is stopped, starting or shutting down: said at once and in time, and over soon after."""

import asyncio
import signal
from collections.abc import Callable

import psycopg
import pytest

from adapters.postgres.turn_store import PostgresTurnStore
from chatcore.ports.turn_store import Opened
from tests.contract.turns import opening
from tests.databases import Database as Server
from tests.integration.faults import asking
from tests.integration.faults.asking import SECONDS, comes_to_rest, returns, timed
from tests.integration.faults.controlled import Controlled
from tests.integration.faults.proxy import Proxy, refusal

pytestmark = pytest.mark.anyio
ONE = b"SELECT 1"
WAKING = 3.0
STARTING_UP = refusal("57P03", "the database system is starting up")


def say_that_it_is_starting_up(proxy: Proxy) -> None:
    proxy.greeting = STARTING_UP
    proxy.cut()


Sleep = Callable[[Proxy], None]
SLEEPS: tuple[Sleep, ...] = (Proxy.refuse, say_that_it_is_starting_up)


async def test_a_stopped_server_is_told_in_time_then_at_once_and_found_again(server: Controlled) -> None:
    async with asking.opened(server.app_url) as database:
        await asyncio.gather(*(database.call(ONE) for _ in range(8)))
        await server.stop()
        answers = await asyncio.gather(*(timed(database.call(ONE)) for _ in range(20)))
        assert all(answer.error is not None for answer in answers)
        assert max(answer.seconds for answer in answers) < SECONDS + 1
        for _ in range(20):
            refused = await timed(database.call(ONE))
            assert refused.error is not None
            assert refused.error.retry_after == 2
            assert refused.seconds < 0.05
        await server.start()
        assert await returns(database) < 2
        answers = await asyncio.gather(*(timed(database.call(ONE)) for _ in range(40)))
        assert all(answer.error is None for answer in answers)
        assert await comes_to_rest(database)


async def test_a_server_that_shuts_down_lets_nobody_in_and_that_passes(server: Controlled) -> None:
    async with asking.opened(server.app_url, budget=5.0) as database:
        with psycopg.connect(server.superuser_url):
            # It waits for this session, and tells everybody else: 57P03.
            server.signal(signal.SIGTERM)
            await asyncio.sleep(0.1)
            asked = asyncio.create_task(timed(database.call(ONE)))
            await asyncio.sleep(0.3)
            assert not asked.done()
        await server.stop()
        await server.start()
        answer = await asked
        assert answer.error is None
        assert answer.seconds < 5


async def test_a_restart_in_good_order_is_noticed_by_nobody(server: Controlled) -> None:
    async with asking.opened(server.app_url, budget=5.0) as database:
        store = PostgresTurnStore(database)
        stop = asyncio.Event()

        async def ask(owner: str) -> float:
            longest = 0.0
            while not stop.is_set():
                answer = await timed(store.begin(opening(owner=owner)))
                assert isinstance(answer.value, Opened)
                longest = max(longest, answer.seconds)
            return longest

        asking_on = [asyncio.create_task(ask(f"user{number}")) for number in range(8)]
        for _ in range(2):
            await asyncio.sleep(0.3)
            await server.stop()
            await server.start()
        await asyncio.sleep(0.3)
        stop.set()
        assert max(await asyncio.gather(*asking_on)) < 4


async def test_a_database_that_wakes_up_slowly_answers_the_first_call_that_lasts_or_else_the_next(
    database: Server,
) -> None:
    # All four at once, because each takes its time.
    await asyncio.gather(
        *(wakes_in_time(database.app_url, sleep) for sleep in SLEEPS),
        *(wakes_too_late(database.app_url, sleep) for sleep in SLEEPS),
    )


async def wakes_in_time(url: str, sleep: Sleep) -> None:
    async with Proxy(url) as proxy, asking.opened(proxy.conninfo, budget=5.0) as asked:
        sleep(proxy)
        call = asyncio.create_task(timed(PostgresTurnStore(asked).begin(opening())))
        await asyncio.sleep(WAKING)
        assert not call.done()
        await wake_up(proxy)
        answer = await call
        assert isinstance(answer.value, Opened)
        assert answer.seconds < WAKING + 1


async def wakes_too_late(url: str, sleep: Sleep) -> None:
    async with Proxy(url) as proxy, asking.opened(proxy.conninfo) as asked:
        await asked.call(ONE)
        sleep(proxy)
        refused = await timed(asked.call(ONE))
        assert refused.error is not None
        assert refused.error.retry_after == 2
        assert refused.seconds < SECONDS + 1
        await wake_up(proxy)
        assert await returns(asked) < 2


async def wake_up(proxy: Proxy) -> None:
    proxy.greeting = None
    await proxy.accept()
