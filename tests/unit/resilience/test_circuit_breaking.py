"""A provider that fails again and again is left alone, and found again."""

import asyncio
from collections.abc import Iterable
from contextlib import aclosing
from dataclasses import dataclass
from itertools import cycle

import pytest

from adapters.resilience import Breaker, BreakerState, CircuitBreaking
from adapters.scripted import Reply, ScriptedLanguageModel
from chatcore.errors import ModelFailed, ModelRefused, ModelUnavailable
from chatcore.ports.language_model import ModelRequest
from tests.integration.models.asking import PROMPT, ask

pytestmark = pytest.mark.anyio

DOWN = ModelUnavailable("down")
REQUEST = ModelRequest(prompt=PROMPT, streamed=True, meter=lambda _: None)


@dataclass(slots=True)
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


class Guarded:
    """A scripted model behind a breaker that judges the last three calls, and rests for ten seconds."""

    def __init__(self, *replies: str | ModelUnavailable | ModelRefused | Reply) -> None:
        self.clock = Clock()
        self.states: list[BreakerState] = []
        self.inner = ScriptedLanguageModel(replies)
        self.breaker = Breaker(clock=self.clock, calls=3, rest=10, changed=self.states.append)
        self.model = CircuitBreaking(self.inner, self.breaker)

    async def fail(self, times: int) -> None:
        for _ in range(times):
            assert (await ask(self.model, streamed=True)).error is not None

    @property
    def calls(self) -> int:
        return len(self.inner.requests)


async def test_it_opens_when_the_last_calls_failed() -> None:
    guarded = Guarded(DOWN)
    await guarded.fail(2)
    assert guarded.breaker.state is BreakerState.CLOSED
    await guarded.fail(1)
    assert guarded.states == [BreakerState.OPEN]
    await guarded.fail(100)
    assert guarded.calls == 3


async def test_a_success_between_failures_keeps_it_closed() -> None:
    guarded = Guarded(DOWN, DOWN, "Yes.", DOWN, DOWN, "Yes.")
    for _ in range(6):
        await ask(guarded.model, streamed=True)
    assert guarded.states == []


def opened_at(outcomes: Iterable[tuple[float, bool]]) -> float | None:
    """Return when a usual breaker opened, given when calls ended and whether they failed."""
    clock = Clock()
    breaker = Breaker(clock=clock)
    for clock.now, failed in outcomes:
        if failed:
            breaker.failed()
        else:
            breaker.succeeded()
        if breaker.state is BreakerState.OPEN:
            return clock.now
    return None


def test_few_calls_prove_nothing() -> None:
    assert opened_at((float(moment), True) for moment in range(19)) is None
    assert opened_at((float(moment), True) for moment in range(20)) == 19


def test_a_provider_that_answers_some_is_asked_for_them() -> None:
    # Four of five calls fail: with three attempts every other question is still answered.
    assert opened_at((number / 10, bool(number % 5)) for number in range(2000)) is None


def test_faults_one_after_the_other_do_not_open_it_while_each_is_followed_by_a_success() -> None:
    # Each question is asked three times, fails, and is answered when it comes again with its key.
    moments = (number / 5 for number in range(400))
    assert opened_at(zip(moments, cycle([True, True, True, False]), strict=False)) is None


def test_a_moment_of_failures_under_load_is_no_outage() -> None:
    well = [(number / 100, False) for number in range(1000)]
    moment = [(10 + number / 100, True) for number in range(100)]
    after = [(11 + number / 100, False) for number in range(1000)]
    assert opened_at([*well, *moment, *after]) is None


def test_an_outage_under_load_opens_it_within_seconds() -> None:
    well = [(number / 100, False) for number in range(1000)]
    outage = [(10 + number / 100, True) for number in range(1000)]
    opened = opened_at([*well, *outage])
    assert opened is not None
    assert 11.5 <= opened <= 12


def test_what_was_before_a_rest_does_not_count_after_it() -> None:
    clock = Clock()
    breaker = Breaker(clock=clock)
    for _ in range(20):
        breaker.failed()
    clock.now = 10
    assert breaker.enter() == 0
    breaker.succeeded()
    for _ in range(18):
        breaker.failed()
    assert breaker.state is BreakerState.CLOSED


async def test_whoever_is_refused_is_told_when_to_come_back() -> None:
    guarded = Guarded(DOWN)
    await guarded.fail(3)
    guarded.clock.now = 4
    outcome = await ask(guarded.model, streamed=True)
    assert type(outcome.error) is ModelUnavailable
    assert outcome.error.retry_after == 6
    assert outcome.calls == []


async def test_one_call_probes_after_the_rest_and_closes_it() -> None:
    guarded = Guarded(DOWN, DOWN, DOWN, "I am back.")
    await guarded.fail(3)
    guarded.clock.now = 10
    assert (await ask(guarded.model, streamed=True)).text == "I am back."
    assert guarded.states == [BreakerState.OPEN, BreakerState.HALF_OPEN, BreakerState.CLOSED]


async def test_a_failed_probe_opens_it_for_another_rest() -> None:
    guarded = Guarded(DOWN)
    await guarded.fail(3)
    guarded.clock.now = 10
    await guarded.fail(2)
    assert guarded.calls == 4
    guarded.clock.now = 19.9
    await guarded.fail(1)
    assert guarded.calls == 4


async def test_of_many_calls_after_the_rest_one_probes() -> None:
    release = asyncio.Event()
    guarded = Guarded(DOWN, DOWN, DOWN, Reply(pieces=("Yes.",), hold=release))
    await guarded.fail(3)
    guarded.clock.now = 10
    probe = asyncio.create_task(ask(guarded.model, streamed=True))
    await asyncio.sleep(0)
    others = await asyncio.gather(*(ask(guarded.model, streamed=True) for _ in range(20)))
    release.set()
    assert (await probe).text == "Yes."
    assert {type(other.error) for other in others} == {ModelUnavailable}
    assert guarded.calls == 4


async def test_a_probe_that_is_given_up_leaves_the_next_one_to_find_out() -> None:
    guarded = Guarded(DOWN, DOWN, DOWN, Reply(pieces=("Yes.",), hold=asyncio.Event()), "I am back.")
    await guarded.fail(3)
    guarded.clock.now = 10
    probe = asyncio.create_task(ask(guarded.model, streamed=True))
    await asyncio.sleep(0)
    probe.cancel()
    with pytest.raises(asyncio.CancelledError):
        await probe
    assert (await ask(guarded.model, streamed=True)).text == "I am back."
    assert guarded.breaker.state is BreakerState.CLOSED


async def test_a_probe_closes_it_with_its_first_piece() -> None:
    guarded = Guarded(DOWN, DOWN, DOWN, Reply(pieces=("Well, ", "yes."), hold=asyncio.Event(), hold_after=1))
    await guarded.fail(3)
    guarded.clock.now = 10
    async with aclosing(guarded.model.speak(REQUEST)) as said:
        assert await anext(said) == "Well, "
        assert guarded.breaker.state is BreakerState.CLOSED


async def test_replies_that_break_off_again_and_again_open_it() -> None:
    guarded = Guarded(Reply(pieces=("Once ",), error=ModelFailed()))
    await guarded.fail(3)
    assert guarded.breaker.state is BreakerState.OPEN


async def test_a_refusal_to_answer_is_no_failure_of_the_provider() -> None:
    guarded = Guarded(ModelRefused())
    await guarded.fail(10)
    assert guarded.states == []


async def test_a_provider_that_asks_for_a_longer_rest_gets_it() -> None:
    guarded = Guarded(ModelUnavailable(retry_after=45))
    await guarded.fail(3)
    outcome = await ask(guarded.model, streamed=True)
    assert outcome.error is not None
    assert outcome.error.retry_after == 45
