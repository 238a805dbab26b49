"""The other wrappers: a second model, a limit, a deadline."""

import asyncio
import time

import pytest

from adapters.resilience import Breaker, BreakerState, CircuitBreaking, FallingBack, Limited, WithDeadline
from adapters.scripted import Reply, ScriptedLanguageModel
from chatcore.errors import (
    ChatError,
    ModelFailed,
    ModelMisconfigured,
    ModelQuotaExhausted,
    ModelRefused,
    ModelTimedOut,
    ModelUnavailable,
    PromptTooLong,
)
from chatcore.ports.language_model import Finished, ModelRequest
from tests.integration.models.asking import PROMPT, ask

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    "error",
    [ModelUnavailable, ModelTimedOut, ModelFailed, ModelQuotaExhausted, ModelMisconfigured, PromptTooLong],
)
async def test_the_second_model_answers_where_the_first_fails(error: type[ChatError]) -> None:
    first, second = (
        ScriptedLanguageModel([error()], name="first"),
        ScriptedLanguageModel(["Yes."], name="second"),
    )
    outcome = await ask(FallingBack(first, second), streamed=True)
    assert outcome.text == "Yes."
    assert outcome.finished is not None
    assert outcome.finished.model == "second"
    assert [(call.model, call.outcome) for call in outcome.calls] == [("first", error.code()), ("second", "ok")]


async def test_the_second_model_is_not_asked_where_the_first_answers() -> None:
    second = ScriptedLanguageModel(["no"])
    outcome = await ask(FallingBack(ScriptedLanguageModel(["Yes."], name="first"), second), streamed=True)
    assert outcome.finished is not None
    assert outcome.finished.model == "first"
    assert second.requests == []


async def test_what_the_first_model_refuses_is_not_carried_to_the_second() -> None:
    second = ScriptedLanguageModel(["no"])
    outcome = await ask(FallingBack(ScriptedLanguageModel([ModelRefused()]), second), streamed=True)
    assert type(outcome.error) is ModelRefused
    assert second.requests == []


async def test_a_reply_is_never_of_two_models() -> None:
    second = ScriptedLanguageModel(["no"])
    first = ScriptedLanguageModel([Reply(pieces=("Once ",), error=ModelFailed())])
    outcome = await ask(FallingBack(first, second), streamed=True)
    assert outcome.text == "Once "
    assert type(outcome.error) is ModelFailed
    assert second.requests == []


async def test_where_both_fail_the_error_is_the_one_that_may_pass() -> None:
    passing, lasting = (
        ScriptedLanguageModel([ModelUnavailable()]),
        ScriptedLanguageModel([ModelMisconfigured()]),
    )
    assert type((await ask(FallingBack(passing, lasting), streamed=True)).error) is ModelUnavailable
    assert type((await ask(FallingBack(lasting, passing), streamed=True)).error) is ModelUnavailable
    assert type((await ask(FallingBack(lasting, lasting), streamed=True)).error) is ModelMisconfigured


async def test_so_many_calls_run_at_once_and_the_others_wait_their_turn() -> None:
    model = ScriptedLanguageModel(["Yes."], gap=0.01)
    limited = Limited(model, at_once=3, waiting=100)
    outcomes = await asyncio.gather(*(ask(limited, streamed=True) for _ in range(20)))
    assert {outcome.text for outcome in outcomes} == {"Yes."}
    assert model.most_speaking == 3


async def test_more_calls_than_may_wait_are_refused_at_once() -> None:
    release = asyncio.Event()
    limited = Limited(ScriptedLanguageModel([Reply(pieces=("Yes.",), hold=release)]), at_once=2, waiting=3)
    tasks = [asyncio.create_task(ask(limited, streamed=True)) for _ in range(20)]
    done, _ = await asyncio.wait(tasks, timeout=0.1)
    release.set()
    outcomes = await asyncio.gather(*tasks)
    assert len(done) == 15
    assert {type(task.result().error) for task in done} == {ModelUnavailable}
    assert sum(outcome.error is None for outcome in outcomes) == 5


async def test_nobody_waits_for_ever() -> None:
    stuck = ScriptedLanguageModel([Reply(pieces=("Yes.",), hold=asyncio.Event())])
    limited = Limited(stuck, at_once=1, waiting=1, patience=0.1)
    first = asyncio.create_task(ask(limited, streamed=True))
    await asyncio.sleep(0)
    outcome = await ask(limited, streamed=True)
    assert type(outcome.error) is ModelUnavailable
    assert outcome.error.retry_after == 1
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert stuck.speaking == 0


async def test_a_place_is_free_again_however_a_call_ends() -> None:
    model = ScriptedLanguageModel([ModelFailed(), Reply(pieces=("a",), hold=asyncio.Event()), "Yes."])
    limited = Limited(model, at_once=1, waiting=0)
    assert (await ask(limited, streamed=True)).error is not None
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(ask(limited, streamed=True), 0.05)
    assert (await ask(limited, streamed=True)).text == "Yes."


async def test_a_reply_has_so_long_whatever_it_is_made_of() -> None:
    stuck = Reply(pieces=("One ", "two"), hold=asyncio.Event(), hold_after=1)
    began = time.monotonic()
    outcome = await ask(WithDeadline(ScriptedLanguageModel([stuck]), seconds=0.1), streamed=True)
    assert type(outcome.error) is ModelTimedOut
    assert outcome.text == "One "
    assert time.monotonic() - began < 1


async def test_a_slow_listener_is_not_cut_short() -> None:
    model = WithDeadline(ScriptedLanguageModel(["One two three"]), seconds=0.05)
    heard: list[str | Finished] = []
    async for piece in model.speak(ModelRequest(prompt=PROMPT, streamed=True, meter=lambda _: None)):
        await asyncio.sleep(0.4)
        heard.append(piece)
    assert heard[:-1] == ["One ", "two ", "three"]


async def test_a_breaker_inside_learns_that_a_model_timed_out_at_the_same_moment() -> None:
    late = asyncio.Event()
    asyncio.get_running_loop().call_later(0.1, late.set)
    breaker = Breaker(clock=time.monotonic, calls=1)
    slow = ScriptedLanguageModel([Reply(error=ModelTimedOut(), hold=late)])
    outcome = await ask(WithDeadline(CircuitBreaking(slow, breaker), seconds=0.1), streamed=True)
    assert type(outcome.error) is ModelTimedOut
    assert [call.outcome for call in outcome.calls] == ["model-timed-out"]
    assert breaker.state is BreakerState.OPEN
