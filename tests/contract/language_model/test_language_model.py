"""What every LanguageModel does, whichever it is: one body of tests, run on each."""

import asyncio
import time
from contextlib import aclosing
from importlib.util import find_spec

import pytest

from chatcore.errors import ChatError, ModelFailed
from chatcore.ports.language_model import Finished, LanguageModel, ModelCall, ModelRequest
from chatcore.prompt import Exchange, Prompt
from chatcore.text import mended
from tests.contract.language_model.models import ALL, CAN_FAIL, RAISES, answering, breaking, failing, hanging
from tests.integration.models.asking import PROMPT, ask
from tests.upstream.fixtures import RunningUpstream

pytestmark = pytest.mark.anyio

PROMPTS = {
    "plain": PROMPT,
    "with history": Prompt(
        instructions="i", question="What is my name?", history=(Exchange("I am Ada.", "Hi."),)
    ),
    "about a text": Prompt(instructions="i", question="What is it?", selected_text="It is a robot.\nIt walks."),
    "of any script": Prompt(instructions="i", question="👩‍👩‍👧 नमस्ते، سلام; 机器人是什么\uff1f e\u0301 \u202e"),
    "long": Prompt(instructions="i", question="The robot walks home. " * 150 + "What does the robot do?"),
}


@pytest.fixture(params=ALL)
def kind(request: pytest.FixtureRequest) -> str:
    if request.param == "local" and find_spec("xllamacpp") is None:
        pytest.skip("the local model is not installed: requirements-demo.lock")
    return str(request.param)


@pytest.mark.parametrize("streamed", [True, False])
@pytest.mark.parametrize("prompt", PROMPTS.values(), ids=PROMPTS.keys())
async def test_a_reply_is_pieces_and_then_its_end(
    upstream: RunningUpstream, kind: str, prompt: Prompt, *, streamed: bool
) -> None:
    async with answering(kind, upstream) as model:
        outcome = await ask(model, streamed=streamed, prompt=prompt)
    assert outcome.error is None
    assert outcome.pieces
    assert all(outcome.pieces)
    assert outcome.text == mended(outcome.text)
    assert outcome.text.strip()
    assert outcome.finished is not None


@pytest.mark.parametrize("streamed", [True, False])
async def test_a_call_is_metered_once_with_what_it_cost(
    upstream: RunningUpstream, kind: str, *, streamed: bool
) -> None:
    async with answering(kind, upstream) as model:
        outcome = await ask(model, streamed=streamed)
    assert outcome.finished is not None
    call = outcome.calls[-1]
    assert (call.model, call.usage, call.outcome) == (outcome.finished.model, outcome.finished.usage, "ok")
    assert call.usage.input_tokens > 0
    assert call.usage.output_tokens > 0
    assert call.first_token_seconds is not None
    assert 0 <= call.first_token_seconds <= call.seconds
    assert [call.outcome for call in outcome.calls].count("ok") == 1


async def test_it_has_a_name(upstream: RunningUpstream, kind: str) -> None:
    async with answering(kind, upstream) as model:
        assert model.name


async def test_several_questions_may_be_asked_at_once(upstream: RunningUpstream, kind: str) -> None:
    async with answering(kind, upstream) as model:
        outcomes = await asyncio.gather(*(ask(model, streamed=True) for _ in range(8)))
    assert all(outcome.text and outcome.finished is not None for outcome in outcomes)
    assert [call.outcome for outcome in outcomes for call in outcome.calls].count("ok") == 8


async def test_whoever_stops_early_has_the_call_metered_as_cancelled(
    upstream: RunningUpstream, kind: str
) -> None:
    async with answering(kind, upstream) as model:
        calls: list[ModelCall] = []
        async with aclosing(
            model.speak(ModelRequest(prompt=PROMPT, streamed=True, meter=calls.append))
        ) as said:
            assert isinstance(await anext(said), str)
        assert calls[-1].outcome == "cancelled"
        assert calls[-1].usage.estimated
        assert (await ask(model, streamed=True)).error is None


async def test_whoever_stops_at_the_end_has_the_call_metered_as_ok(
    upstream: RunningUpstream, kind: str
) -> None:
    async with answering(kind, upstream) as model:
        calls: list[ModelCall] = []
        async with aclosing(
            model.speak(ModelRequest(prompt=PROMPT, streamed=True, meter=calls.append))
        ) as said:
            async for piece in said:
                if isinstance(piece, Finished):
                    break
        assert [call.outcome for call in calls].count("ok") == 1
        assert [call.outcome for call in calls].count("cancelled") == 0


async def test_a_cancelled_task_stops_at_once(upstream: RunningUpstream, kind: str) -> None:
    async with hanging(kind, upstream) as model:
        calls: list[ModelCall] = []
        task = asyncio.create_task(_listen(model, calls))
        await asyncio.sleep(0.2)
        began = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert time.monotonic() - began < 1
        assert calls[-1].outcome == "cancelled"


@pytest.mark.parametrize("streamed", [True, False])
@pytest.mark.parametrize("error", RAISES)
@pytest.mark.parametrize("fallible", CAN_FAIL)
async def test_it_fails_as_its_port_says(
    upstream: RunningUpstream, fallible: str, error: type[ChatError], *, streamed: bool
) -> None:
    async with failing(fallible, upstream, error) as model:
        outcome = await ask(model, streamed=streamed)
    assert type(outcome.error) is error
    assert outcome.pieces == []
    assert outcome.finished is None
    assert outcome.calls[-1].outcome == error.code()


@pytest.mark.parametrize("fallible", CAN_FAIL)
async def test_a_reply_that_breaks_off_fails_after_its_beginning(
    upstream: RunningUpstream, fallible: str
) -> None:
    async with breaking(fallible, upstream) as model:
        outcome = await ask(model, streamed=True)
    assert type(outcome.error) is ModelFailed
    assert outcome.text.startswith("Once ")
    assert outcome.finished is None
    assert outcome.calls[-1].outcome == "model-failed"
    assert outcome.calls[-1].usage.output_tokens > 0


async def _listen(model: LanguageModel, calls: list[ModelCall]) -> None:
    async for _ in model.speak(ModelRequest(prompt=PROMPT, streamed=True, meter=calls.append)):
        pass
