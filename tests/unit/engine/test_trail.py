"""Entries are gathered and written together, wait out an outage, and are not lost at the end."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from chatcore.audit import AuditEntry
from chatcore.conversation import Page
from chatcore.errors import DatabaseUnavailable
from chatcore.ports.audit_log import AuditLog
from chatcore.trail import Gathering, Loss, Trail
from tests.contract.audit_log.entries import entry

pytestmark = pytest.mark.anyio
QUICK = Gathering(pause=0.02, batch=10, room=40, retry=0.02)


class Log(AuditLog):
    """Remembers batches; away, broken or slow when told to be."""

    def __init__(self) -> None:
        self.batches: list[list[AuditEntry]] = []
        self.tries = 0
        self.fails: Exception | None = None
        self.gate: asyncio.Event | None = None
        self.poison: AuditEntry | None = None
        self.away_at = 0

    async def record(self, entries: Sequence[AuditEntry]) -> None:
        self.tries += 1
        batch = list(entries)
        if self.gate is not None:
            await self.gate.wait()
        if self.fails is not None:
            raise self.fails
        if self.tries == self.away_at:
            raise DatabaseUnavailable
        if self.poison in batch:
            raise ValueError("never")
        self.batches.append(batch)

    async def read(self, owner: str, *, limit: int, before: str | None) -> Page[AuditEntry]:
        raise NotImplementedError

    @property
    def written(self) -> list[AuditEntry]:
        return [one for batch in self.batches for one in batch]


class Losses:
    def __init__(self) -> None:
        self.told: list[tuple[Loss, int, Exception | None]] = []

    def __call__(self, why: Loss, count: int, bug: Exception | None) -> None:
        self.told.append((why, count, bug))


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def losses() -> Losses:
    return Losses()


async def opened(log: Log, losses: Losses, gathering: Gathering | None = None) -> Trail:
    made = Trail(log=log, lost=losses, gathering=gathering)
    await made.open()
    return made


@pytest.fixture
async def trail(log: Log, losses: Losses) -> Trail:
    return await opened(log, losses, QUICK)


async def until(log: Log, written: int) -> None:
    await came(lambda: len(log.written) >= written)


async def came(about: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not about():  # noqa: ASYNC110 - what is tested tells nobody
            await asyncio.sleep(0.005)


def tasks() -> set[asyncio.Task[Any]]:
    return {task for task in asyncio.all_tasks() if "TestRunner" not in repr(task)} - {asyncio.current_task()}


async def test_entries_of_a_while_are_one_batch_in_their_order(trail: Trail, log: Log) -> None:
    made = [entry() for _ in range(5)]
    for one in made:
        trail.record(one)
    assert log.tries == 0
    await until(log, 5)
    assert log.batches == [made]


async def test_a_whole_batch_does_not_wait(log: Log, losses: Losses) -> None:
    trail = await opened(log, losses, Gathering(pause=60, batch=10))
    for _ in range(10):
        trail.record(entry())
    await until(log, 10)


async def test_many_at_once_are_written_batch_by_batch(trail: Trail, log: Log) -> None:
    made = [entry() for _ in range(34)]
    for one in made:
        trail.record(one)
    await until(log, 34)
    assert log.written == made
    assert [len(batch) for batch in log.batches] == [10, 10, 10, 4]


async def test_what_comes_while_a_batch_is_written_is_gathered_anew(trail: Trail, log: Log) -> None:
    log.gate = asyncio.Event()
    trail.record(entry())
    await came(lambda: log.tries > 0)
    for _ in range(3):
        trail.record(entry())
    log.gate.set()
    await until(log, 4)
    assert [len(batch) for batch in log.batches] == [1, 3]


async def test_nothing_runs_while_nothing_is_recorded(trail: Trail, log: Log) -> None:
    trail.record(entry())
    await until(log, 1)
    await asyncio.sleep(0)
    assert tasks() == set()
    tries = log.tries
    await asyncio.sleep(5 * QUICK.pause)
    assert log.tries == tries


async def test_an_outage_loses_nothing_that_there_is_room_for(trail: Trail, log: Log, losses: Losses) -> None:
    log.fails = DatabaseUnavailable()
    made = [entry() for _ in range(40)]
    for one in made:
        trail.record(one)
        await asyncio.sleep(0.002)
    assert log.tries > 1
    log.fails = None
    await until(log, 40)
    assert log.written == made
    assert losses.told == []


async def test_beyond_that_the_newest_are_lost_and_told(trail: Trail, log: Log, losses: Losses) -> None:
    log.fails = DatabaseUnavailable()
    made = [entry() for _ in range(43)]
    for one in made:
        trail.record(one)
    log.fails = None
    await until(log, 40)
    assert log.written == made[:40]
    assert losses.told == [(Loss.FULL, 1, None)] * 3


@pytest.mark.parametrize("place", range(10))
async def test_one_that_can_never_be_written_costs_nobody_else_theirs(
    trail: Trail, log: Log, losses: Losses, place: int
) -> None:
    made = [entry() for _ in range(12)]
    log.poison = made[place]
    for one in made:
        trail.record(one)
    await trail.flush()
    assert log.written == made[:place] + made[place + 1 :]
    assert [(why, count, type(bug)) for why, count, bug in losses.told] == [(Loss.FAULTY, 1, ValueError)]


async def test_an_outage_in_the_middle_of_a_refused_batch_loses_nothing_else(log: Log, losses: Losses) -> None:
    trail = await opened(log, losses, Gathering(pause=60, batch=10))
    made = [entry() for _ in range(4)]
    log.poison = made[0]
    log.away_at = 5
    for one in made:
        trail.record(one)
    with pytest.raises(DatabaseUnavailable):
        await trail.flush()
    await trail.flush()
    assert log.written == made[1:]
    assert [count for _, count, _ in losses.told] == [1]


async def test_a_batch_that_can_never_be_written_is_told_and_keeps_up_no_other(
    trail: Trail, log: Log, losses: Losses
) -> None:
    log.fails = bug = ValueError("never")
    trail.record(entry())
    trail.record(entry())
    await came(lambda: losses.told != [])
    assert losses.told == [(Loss.FAULTY, 2, bug)]
    log.fails = None
    trail.record(last := entry())
    await until(log, 1)
    assert log.written == [last]


async def test_a_flush_writes_now_and_waits_for_what_is_being_written(log: Log, losses: Losses) -> None:
    trail = await opened(log, losses, Gathering(pause=60, batch=2))
    log.gate = asyncio.Event()
    made = [entry() for _ in range(5)]
    for one in made:
        trail.record(one)
    flushing = asyncio.create_task(trail.flush())
    await asyncio.sleep(0.02)
    assert not flushing.done()
    log.gate.set()
    await flushing
    assert log.written == made
    await trail.flush()
    assert log.written == made
    await trail.close()


async def test_a_flush_says_when_it_cannot_and_nothing_is_lost_by_that(trail: Trail, log: Log) -> None:
    log.fails = DatabaseUnavailable()
    trail.record(one := entry())
    with pytest.raises(DatabaseUnavailable):
        await trail.flush()
    log.fails = None
    await until(log, 1)
    assert log.written == [one]


async def test_the_end_writes_what_waits(log: Log, losses: Losses) -> None:
    trail = await opened(log, losses, Gathering(pause=60))
    made = [entry() for _ in range(450)]
    for one in made:
        trail.record(one)
    await trail.close()
    assert log.written == made
    assert losses.told == []


async def test_what_cannot_be_written_at_the_end_or_comes_after_it_is_told(
    trail: Trail, log: Log, losses: Losses
) -> None:
    log.fails = DatabaseUnavailable()
    for _ in range(12):
        trail.record(entry())
    await trail.close()
    trail.record(entry())
    assert losses.told == [(Loss.CLOSED, 12, None), (Loss.CLOSED, 1, None)]
    await asyncio.sleep(3 * QUICK.retry)
    assert log.written == []
    assert tasks() == set()


async def test_the_end_does_not_wait_for_the_time_to_write(log: Log, losses: Losses) -> None:
    trail = await opened(log, losses, Gathering(pause=0.02))
    trail.record(one := entry())
    await trail.close()
    assert log.batches == [[one]]
    await asyncio.sleep(0.05)
    assert log.tries == 1


async def test_what_was_flushed_is_not_written_again_when_it_is_time(trail: Trail, log: Log) -> None:
    trail.record(entry())
    await trail.flush()
    await asyncio.sleep(3 * QUICK.pause)
    assert log.tries == 1


async def test_a_trail_that_was_closed_can_be_opened_again(trail: Trail, log: Log, losses: Losses) -> None:
    await trail.close()
    await trail.open()
    trail.record(entry())
    await until(log, 1)
    assert losses.told == []
