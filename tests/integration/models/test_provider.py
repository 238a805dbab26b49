"""The adapter to OpenAI-compatible providers, against one that behaves."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from functools import partial

import pytest

from adapters.openai import OpenAILanguageModel
from chatcore.ports.language_model import ModelCall, ModelRequest
from chatcore.prompt import Exchange, Prompt
from chatcore.turn import Usage
from tests.integration.models.asking import PROMPT, ask
from tests.upstream.fixtures import RunningUpstream

pytestmark = pytest.mark.anyio
Provider = Callable[..., AbstractAsyncContextManager[OpenAILanguageModel]]


@asynccontextmanager
async def at(
    upstream: RunningUpstream, name: str, seconds: float = 10, *, sdk: bool
) -> AsyncIterator[OpenAILanguageModel]:
    upstream.reset()
    model = OpenAILanguageModel(api_key="key", base_url=upstream.url, model=name, timeout=seconds, sdk=sdk)
    await model.open()
    yield model
    await model.close()


@pytest.fixture(name="provider", params=[True, False], ids=["through the sdk", "directly"])
def reached(request: pytest.FixtureRequest) -> Provider:
    return partial(at, sdk=request.param)


async def settled(upstream: RunningUpstream, figure: str, wanted: int, seconds: float = 2) -> int:
    """Return a figure of the upstream, which may be a moment late."""
    for _ in range(int(50 * seconds)):
        if upstream.stats()[figure] == wanted:
            break
        await asyncio.sleep(0.02)
    return upstream.stats()[figure]


async def test_the_whole_prompt_reaches_the_provider_in_order(
    provider: Provider, upstream: RunningUpstream
) -> None:
    prompt = Prompt(instructions="Be kind.", question="And now? 🙂", history=(Exchange("Hi", "Hello"),))
    async with provider(upstream, "echo") as model:
        outcome = await ask(model, streamed=True, prompt=prompt)
    assert outcome.text == "And now? 🙂"
    assert upstream.last() == {
        "model": "echo",
        "messages": [
            {"role": "system", "content": "Be kind."},
            {"role": "user", "content": "Hi"},
            {"role": "assistant", "content": "Hello"},
            {"role": "user", "content": "And now? 🙂"},
        ],
        "stream": True,
        "stream_options": {"include_usage": True},
    }


@pytest.mark.parametrize("streamed", [True, False])
async def test_the_provider_says_what_a_reply_cost(
    provider: Provider, upstream: RunningUpstream, *, streamed: bool
) -> None:
    async with provider(upstream, "words:7") as model:
        outcome = await ask(model, streamed=streamed)
    assert outcome.finished is not None
    assert outcome.finished.usage == Usage(input_tokens=12, output_tokens=7)
    assert [call.usage for call in outcome.calls] == [outcome.finished.usage]
    assert upstream.stats()["billed_tokens"] == 19


async def test_pieces_come_as_they_are_said(provider: Provider, upstream: RunningUpstream) -> None:
    async with provider(upstream, "words:5:0.1") as model:
        outcome = await ask(model, streamed=True)
    assert outcome.pieces == ["word "] * 5
    [call] = outcome.calls
    assert call.first_token_seconds is not None
    assert call.first_token_seconds < 0.3 < call.seconds


@pytest.mark.parametrize("streamed", [True, False])
async def test_one_connection_serves_one_call_after_the_other(
    provider: Provider, upstream: RunningUpstream, *, streamed: bool
) -> None:
    async with provider(upstream, "words:3") as model:
        before = upstream.stats()["open_connections"]
        for _ in range(20):
            await ask(model, streamed=streamed)
        assert upstream.stats()["open_connections"] == before + 1


async def test_whoever_stops_listening_ends_the_call_at_the_provider(
    provider: Provider, upstream: RunningUpstream
) -> None:
    calls: list[ModelCall] = []
    async with provider(upstream, "words:1000:0.01") as model:
        request = ModelRequest(prompt=PROMPT, streamed=True, meter=calls.append)
        async with aclosing(model.speak(request)) as said:
            await anext(said)
        assert await settled(upstream, "left", 1) == 1
        assert upstream.stats()["open_calls"] == 0
    assert [call.outcome for call in calls] == ["cancelled"]
    assert calls[0].usage.output_tokens == 2


@pytest.mark.parametrize("name", ["slow:30", "words:1000:0.01", "fault:hang-after-first-token"])
async def test_a_cancelled_task_ends_the_call_at_the_provider(
    provider: Provider, upstream: RunningUpstream, name: str
) -> None:
    calls: list[ModelCall] = []
    async with provider(upstream, name) as model:

        async def listen() -> None:
            async for _ in model.speak(ModelRequest(prompt=PROMPT, streamed=True, meter=calls.append)):
                pass

        task = asyncio.create_task(listen())
        assert await settled(upstream, "open_calls", 1) == 1
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await settled(upstream, "left", 1) == 1
    assert [call.outcome for call in calls] == ["cancelled"]


async def test_replies_that_come_at_once_do_not_mix(provider: Provider, upstream: RunningUpstream) -> None:
    prompts = [Prompt(instructions="i", question=f"question {n} " * 20) for n in range(50)]
    async with provider(upstream, "echo") as model:
        outcomes = await asyncio.gather(*(ask(model, streamed=True, prompt=prompt) for prompt in prompts))
    assert [outcome.text for outcome in outcomes] == [prompt.question for prompt in prompts]


async def test_more_calls_than_the_sdk_would_allow_run_at_once(
    provider: Provider, upstream: RunningUpstream
) -> None:
    async with provider(upstream, "fault:hang", seconds=120) as model:
        tasks = [asyncio.create_task(ask(model, streamed=True)) for _ in range(1_050)]
        running = await settled(upstream, "open_calls", 1_050, seconds=60)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    assert running == 1_050


def test_the_sdk_is_not_imported_before_it_is_needed() -> None:
    probe = "import sys, adapters.openai; sys.exit(bool({'openai', 'httpx2', 'aiohttp'} & sys.modules.keys()))"
    subprocess.run([sys.executable, "-c", probe], check=True, timeout=30)
