"""The breaker of the database says no at once, and is never left open by the way in which a probe ends."""

import asyncio
from collections.abc import Callable

import pytest

from adapters.postgres.breaker import Away, Breaker
from adapters.postgres.failures import Duplicate, StatementFault, Transient

PAUSE = 1.0
BUDGET = 5.0
GONE = Transient("gone", stale=True)


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker(clock, pause=PAUSE)


def end(ending: BaseException | None) -> None:
    if ending is not None:
        raise ending


def passes(breaker: Breaker, clock: Clock, ending: BaseException | None = None) -> bool:
    """Return whether a call is let through; it ends as told."""
    try:
        with breaker.passage(clock() + BUDGET):
            end(ending)
    except Away:
        return False
    except BaseException as error:
        if error is not ending:
            raise
    return True


def test_it_lets_everybody_through_while_all_is_well(breaker: Breaker, clock: Clock) -> None:
    assert all(passes(breaker, clock) for _ in range(3))
    assert not breaker.open


def test_it_refuses_everybody_for_a_while_after_a_call_was_given_up(breaker: Breaker, clock: Clock) -> None:
    passes(breaker, clock, GONE)
    assert breaker.open
    assert not passes(breaker, clock)
    clock.now += PAUSE - 0.01
    assert not passes(breaker, clock)
    clock.now += 0.01
    assert passes(breaker, clock)
    assert not breaker.open


def test_one_call_probes_and_the_others_wait_for_what_it_finds(breaker: Breaker, clock: Clock) -> None:
    passes(breaker, clock, GONE)
    clock.now += PAUSE
    with breaker.passage(clock() + BUDGET):
        assert not passes(breaker, clock)
        clock.now += BUDGET - 0.01
        assert not passes(breaker, clock)
    assert passes(breaker, clock)


def test_a_probe_that_finds_nobody_leaves_it_open_for_another_while(breaker: Breaker, clock: Clock) -> None:
    passes(breaker, clock, GONE)
    clock.now += PAUSE
    assert passes(breaker, clock, GONE)
    assert not passes(breaker, clock)
    clock.now += PAUSE
    assert passes(breaker, clock)


@pytest.mark.parametrize(
    "answer",
    [Duplicate("turn_key"), StatementFault("42883"), Transient("55P03", stale=False)],
    ids=lambda answer: type(answer).__name__,
)
def test_a_probe_that_is_refused_was_answered(breaker: Breaker, clock: Clock, answer: Exception) -> None:
    passes(breaker, clock, GONE)
    clock.now += PAUSE
    assert passes(breaker, clock, answer)
    assert not breaker.open


@pytest.mark.parametrize("leaving", [asyncio.CancelledError, GeneratorExit])
def test_a_probe_whose_caller_leaves_makes_room_for_the_next(
    breaker: Breaker, clock: Clock, leaving: Callable[[], BaseException]
) -> None:
    passes(breaker, clock, GONE)
    clock.now += PAUSE
    assert passes(breaker, clock, leaving())
    assert breaker.open
    assert passes(breaker, clock)
    assert not breaker.open


def test_a_caller_who_leaves_while_all_is_well_opens_nothing(breaker: Breaker, clock: Clock) -> None:
    passes(breaker, clock, asyncio.CancelledError())
    assert not breaker.open
