"""PostgreSQL crashes again and again under load, and nothing that was acknowledged is lost or doubled."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import pairwise
from time import monotonic
from typing import TypeVar
from uuid import UUID, uuid4

import psycopg
import pytest

from adapters.postgres.turn_store import PostgresTurnStore
from chatcore.errors import DatabaseUnavailable
from chatcore.ports.turn_store import Opened
from chatcore.turn import TurnStatus
from tests.chaos.ledger import Promise, compare
from tests.contract.turns import ANSWER, CALL, opening
from tests.integration.faults import asking
from tests.integration.faults.controlled import Controlled
from tests.pgbouncer import pgbouncer

pytestmark = pytest.mark.anyio
TASKS = 16
EVERY = 2.0
BUDGET = 5.0
T = TypeVar("T")
LEFT_OVER = "SELECT count(*) FROM chatcore.turn_chunk"
CHARGED_TWICE = (
    "SELECT count(*) FROM (SELECT FROM chatcore.model_call GROUP BY owner, turn_id HAVING count(*) <> 1) AS t"
)
COMPLETED = "SELECT count(*) FROM chatcore.turn WHERE status = 'completed'"
CHARGED = "SELECT count(*) FROM chatcore.model_call"


@dataclass
class Load:
    """Sixteen people who talk without a pause, and what they were told."""

    store: PostgresTurnStore
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    promises: list[Promise] = field(default_factory=list)
    acknowledged_at: list[float] = field(default_factory=list)
    refused_at: list[float] = field(default_factory=list)
    crashed_at: list[float] = field(default_factory=list)
    back_at: list[float] = field(default_factory=list)

    async def talk(self, owner: str) -> None:
        conversation: UUID | None = None
        number = 0
        while not self.stop.is_set():
            number += 1
            promise = Promise(owner=owner, key=str(uuid4()), message=f"{owner} asks {uuid4()}")
            self.promises.append(promise)
            continued = await self._turn(promise, conversation)
            conversation = continued if number % 5 else None

    async def _turn(self, promise: Promise, conversation: UUID | None) -> UUID:
        wish = opening(conversation, owner=promise.owner, key=promise.key, question=promise.message)
        begun = await self._insisted(lambda: self.store.begin(wish))
        assert isinstance(begun, Opened), begun
        promise.turn_id = str(begun.lease.turn_id)
        reply = f"a reply to {promise.message}"
        assert not await self._insisted(lambda: self.store.checkpoint(begun.lease, reply[:8], 8))
        outcome = replace(ANSWER, text=reply)
        turn = await self._insisted(lambda: self.store.finish(begun.lease, outcome, [CALL]))
        assert turn.status is TurnStatus.COMPLETED
        promise.reply = reply
        return turn.conversation_id

    async def _insisted(self, step: Callable[[], Awaitable[T]]) -> T:
        while True:
            with suppress(DatabaseUnavailable):
                answer = await step()
                self.acknowledged_at.append(monotonic())
                return answer
            self.refused_at.append(monotonic())
            await asyncio.sleep(0.1)

    def longest_gap(self) -> float:
        """Return the longest time in seconds in which nobody was told anything, PostgreSQL's own included."""
        return max(later - earlier for earlier, later in pairwise(self.acknowledged_at))

    def slowest_return(self) -> float:
        """Return how many seconds after PostgreSQL was back, at worst, somebody was answered again."""
        return max(min(at for at in self.acknowledged_at if at > back) - back for back in self.back_at)

    def last_refusal(self) -> float:
        """Return how many seconds after PostgreSQL was back, at worst, somebody was still refused."""
        ups = zip(self.back_at, [*self.crashed_at[1:], float("inf")], strict=True)
        return max((at - back for back, crash in ups for at in self.refused_at if back < at < crash), default=0)

    def figures(self) -> str:
        return (
            f"{len(self.back_at)} crashes, {len(self.promises)} turns, {len(self.refused_at)} refusals, "
            f"longest gap {self.longest_gap():.2f} s, slowest return {self.slowest_return():.2f} s, "
            f"last refusal {self.last_refusal():.2f} s after a return"
        )


async def crashed(server: Controlled, seconds: float, *, down: float = 0, pooled: str | None = None) -> Load:
    """Crash the server every other second under load, each time away for `down` seconds more.

    `pooled` leads to it by way of PgBouncer.
    """
    way = pooled or server.app_url
    async with asking.opened(way, budget=BUDGET, max_size=8, prepare=pooled is None) as database:
        load = Load(PostgresTurnStore(database))
        people = [asyncio.create_task(load.talk(f"user{number}")) for number in range(TASKS)]
        until = monotonic() + seconds
        while monotonic() < until or len(load.back_at) < 2:
            await asyncio.sleep(EVERY / 2)
            load.crashed_at.append(monotonic())
            await server.crash()
            await asyncio.sleep(down)
            await server.start()
            load.back_at.append(monotonic())
            await asyncio.sleep(EVERY / 2)
        load.stop.set()
        await asyncio.gather(*people)
        assert await asking.comes_to_rest(database)
    return load


def hold(server: Controlled, load: Load) -> None:
    """Hold what was promised against what is recorded."""
    findings = compare(server.superuser_url, load.promises)
    assert findings.clean, (findings.summary(), findings.details[:10])
    with psycopg.connect(server.superuser_url) as connection:
        left_over, twice, completed, charged = (
            (connection.execute(query.encode()).fetchone() or (None,))[0]
            for query in (LEFT_OVER, CHARGED_TWICE, COMPLETED, CHARGED)
        )
    assert (left_over, twice) == (0, 0)
    assert completed == charged == findings.completed == len(load.promises)
    assert findings.completed > 50
    logging.getLogger(__name__).info("%s; %s", load.figures(), findings.summary())


@pytest.fixture
def emptied(server: Controlled) -> Controlled:
    with psycopg.connect(server.superuser_url) as connection:
        connection.execute("DELETE FROM chatcore.app_user")
    return server


async def test_crashes_under_load_lose_and_double_nothing(emptied: Controlled) -> None:
    load = await crashed(emptied, 3)
    hold(emptied, load)
    # Nobody is refused, unless PostgreSQL took longer to come back than a call may take.
    assert not load.refused_at or load.longest_gap() > BUDGET / 2, load.figures()
    assert load.slowest_return() < 2, load.figures()


@pytest.mark.chaos
@pytest.mark.parametrize("down", [0.0, 6.0])
async def test_crashes_for_minutes_lose_and_double_nothing(
    emptied: Controlled, minutes: float, down: float
) -> None:
    load = await crashed(emptied, max(15.0, 10 * minutes), down=down)
    hold(emptied, load)
    assert load.refused_at or not down, load.figures()
    assert load.last_refusal() < 2, load.figures()
    assert load.slowest_return() < 2, load.figures()


@pytest.mark.chaos
async def test_crashes_behind_a_pooler_lose_and_double_nothing(emptied: Controlled, minutes: float) -> None:
    with pgbouncer(emptied.app_url) as conninfo:
        load = await crashed(emptied, max(15.0, 10 * minutes), pooled=conninfo)
    hold(emptied, load)
    assert load.last_refusal() < 3, load.figures()
    assert load.slowest_return() < 3, load.figures()
