"""Asking again helps where it can, and makes no outage worse."""

import asyncio
from dataclasses import dataclass, field

import pytest

from adapters.resilience import Breaker, CircuitBreaking, Patience, RetryBudget, Retrying
from adapters.scripted import Reply, ScriptedLanguageModel
from chatcore.errors import ChatError, ModelFailed, ModelQuotaExhausted, ModelTimedOut, ModelUnavailable
from tests.integration.models.asking import ask

pytestmark = pytest.mark.anyio

DOWN = ModelUnavailable("down")


@dataclass(slots=True)
class Clock:
    """Time that passes only while somebody sleeps."""

    now: float = 0.0
    slept: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)


def longest(low: float, high: float) -> float:
    del low
    return high


def retrying(
    model: ScriptedLanguageModel,
    clock: Clock,
    *,
    patience: Patience | None = None,
    budget: RetryBudget | None = None,
) -> Retrying:
    return Retrying(model, patience=patience, budget=budget, chance=longest, sleep=clock.sleep, clock=clock)


async def test_a_failure_is_asked_again_until_it_passes() -> None:
    model, clock = ScriptedLanguageModel([DOWN, ModelTimedOut(), "Here I am."]), Clock()
    outcome = await ask(retrying(model, clock), streamed=True)
    assert outcome.text == "Here I am."
    assert [call.outcome for call in outcome.calls] == ["model-unavailable", "model-timed-out", "ok"]
    assert clock.slept == [0.25, 0.5]


async def test_the_last_error_is_the_one_that_is_raised() -> None:
    model = ScriptedLanguageModel([DOWN, DOWN, ModelFailed("third"), "too late"])
    outcome = await ask(retrying(model, Clock()), streamed=True)
    assert outcome.error is not None
    assert outcome.error.detail == "third"
    assert len(model.requests) == 3


async def test_what_cannot_pass_is_asked_once() -> None:
    model, clock = ScriptedLanguageModel([ModelQuotaExhausted(), "never"]), Clock()
    assert type((await ask(retrying(model, clock), streamed=True)).error) is ModelQuotaExhausted
    assert len(model.requests) == 1
    assert clock.slept == []


async def test_nothing_is_said_twice() -> None:
    model = ScriptedLanguageModel([Reply(pieces=("Once ",), error=ModelFailed()), "never"])
    outcome = await ask(retrying(model, Clock()), streamed=True)
    assert type(outcome.error) is ModelFailed
    assert outcome.text == "Once "
    assert len(model.requests) == 1


async def test_the_wait_that_the_provider_asks_for_is_kept() -> None:
    model, clock = ScriptedLanguageModel([ModelUnavailable(retry_after=3), "Yes."]), Clock()
    assert (await ask(retrying(model, clock), streamed=True)).text == "Yes."
    assert clock.slept == [3.25]


async def test_a_wait_beyond_the_patience_is_not_begun() -> None:
    model, clock = ScriptedLanguageModel([ModelUnavailable(retry_after=30), "never"]), Clock()
    outcome = await ask(retrying(model, clock, patience=Patience(seconds=20)), streamed=True)
    assert outcome.error is not None
    assert outcome.error.retry_after == 30
    assert clock.slept == []


async def test_all_attempts_together_have_so_many_seconds() -> None:
    model, clock = ScriptedLanguageModel([DOWN]), Clock()
    patience = Patience(attempts=1_000, seconds=10, shortest=1, longest=4)
    await ask(retrying(model, clock, patience=patience, budget=RetryBudget(1_000)), streamed=True)
    assert clock.slept == [1, 2, 4]


async def test_pauses_are_random_between_nothing_and_their_ceiling() -> None:
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        await asyncio.sleep(0)

    for _ in range(200):
        await ask(Retrying(ScriptedLanguageModel([DOWN, "Yes."]), sleep=sleep), streamed=True)
    assert all(0 <= pause <= 0.25 for pause in pauses)
    assert min(pauses) < 0.05
    assert max(pauses) > 0.2


async def test_an_outage_is_not_amplified_beyond_a_tenth() -> None:
    model, clock = ScriptedLanguageModel([DOWN]), Clock()
    patient = retrying(model, clock)
    for _ in range(600):
        clock.now += 1
        await ask(patient, streamed=True)
    assert len(model.requests) <= 1.1 * 600


async def test_behind_a_breaker_an_outage_is_hardly_seen() -> None:
    model, clock = ScriptedLanguageModel([DOWN]), Clock()
    patient = Retrying(model, sleep=clock.sleep, clock=clock)
    guarded = CircuitBreaking(patient, Breaker(clock=clock))
    errors: list[ChatError | None] = []
    for _ in range(600):
        clock.now += 1
        errors.append((await ask(guarded, streamed=True)).error)
    # Twenty questions, ten retries, and a probe in ten seconds.
    assert len(model.requests) <= 20 + 10 + 60
    assert all(type(error) is ModelUnavailable for error in errors)


async def test_one_call_in_eleven_may_be_a_retry_while_the_provider_works() -> None:
    model = ScriptedLanguageModel([line for _ in range(500) for line in (DOWN, "Yes.")])
    patient, outcomes = retrying(model, Clock()), []
    while len(model.requests) < 1_000:
        outcomes.append(await ask(patient, streamed=True))
    retries = len(model.requests) - len(outcomes)
    assert 10 < retries <= 10 + len(outcomes) / 10
