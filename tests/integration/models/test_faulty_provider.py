"""Whatever a provider does, a call ends typed, in time, and says nothing of what the provider said."""

import socket
import time
import traceback
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from uuid import uuid4

import pytest

from adapters.openai import OpenAILanguageModel
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
from chatcore.prompt import estimated_tokens
from chatcore.turn import Usage
from tests.integration.models.asking import PROMPT, ask
from tests.upstream.faults import FAULTS
from tests.upstream.fixtures import RunningUpstream
from tests.upstream.wire import SECRET

pytestmark = pytest.mark.anyio
Provider = Callable[..., AbstractAsyncContextManager[OpenAILanguageModel]]

KEY = "sk-our-own-secret-key"
TIMEOUT = 1.0

REFUSALS: dict[str, type[ChatError]] = {
    "reset-at-once": ModelUnavailable,
    "close-at-once": ModelUnavailable,
    "garbage": ModelUnavailable,
    "hang": ModelTimedOut,
    "trickle-head": ModelTimedOut,
    "redirect": ModelMisconfigured,
    "bad-request": ModelMisconfigured,
    "context-too-long": PromptTooLong,
    "prose-too-long": PromptTooLong,
    "filtered-prompt": ModelRefused,
    "unauthorized": ModelMisconfigured,
    "forbidden": ModelMisconfigured,
    "not-found": ModelMisconfigured,
    "too-large": PromptTooLong,
    "rate-limited": ModelUnavailable,
    "rate-limited-for-a-day": ModelUnavailable,
    "rate-limited-without-end": ModelUnavailable,
    "rate-limited-nonsense": ModelUnavailable,
    "rate-limited-gemini": ModelUnavailable,
    "quota": ModelQuotaExhausted,
    "server-error": ModelFailed,
    "bad-gateway": ModelUnavailable,
    "unavailable": ModelUnavailable,
    "endless-refusal": ModelFailed,
    "bomb-refusal": ModelFailed,
    "no-content": ModelFailed,
}
BROKEN_REPLIES: dict[str, type[ChatError]] = {
    "reset-in-reply": ModelFailed,
    "close-in-reply": ModelFailed,
    "close-in-unframed-reply": ModelFailed,
    "end-in-reply": ModelFailed,
    "hang-before-first-token": ModelTimedOut,
    "hang-after-first-token": ModelTimedOut,
    "trickle-body": ModelTimedOut,
    "pings": ModelTimedOut,
    "ping-storm": ModelTimedOut,
    "page": ModelFailed,
    "empty-body": ModelFailed,
    "malformed-frame": ModelFailed,
    "not-utf8": ModelFailed,
    "wrong-shape": ModelFailed,
    "deep": ModelFailed,
    "error-frame": ModelFailed,
    "error-frame-rate-limit": ModelUnavailable,
    "error-frame-status": ModelUnavailable,
    "endless-text": ModelFailed,
    "endless-line": ModelFailed,
    "bomb": ModelFailed,
    "choices-bomb": ModelFailed,
    "filtered-reply": ModelRefused,
    "refusal": ModelRefused,
    "empty-reply": ModelFailed,
    "blank-reply": ModelFailed,
}
WHOLE_ONLY: dict[str, type[ChatError]] = {"null-delta": ModelFailed, "null-choices": ModelFailed}
REPLIES = {
    "other-kind": "Once upon a time.",
    "length": "Once upon",
    "nul": "a\ufffdb",
    "lone-surrogate": "a\ufffdb\ufffd",
    "split-surrogate": "a\U0001f600b",
    "no-done": "Once upon a time.",
    "hang-up-after-end": "Once upon a time.",
    "no-usage": "Once upon a time.",
    "absurd-usage": "Once upon a time.",
    "strange-usage": "Once upon a time.",
}
STREAMED_REPLIES = {"null-delta": "Once ", "null-choices": "Once ", "hang-after-end": "Once upon a time."}
ERRORS = [
    *(
        (fault, streamed, error)
        for fault, error in (REFUSALS | BROKEN_REPLIES).items()
        for streamed in (True, False)
    ),
    *((fault, False, error) for fault, error in WHOLE_ONLY.items()),
]
GOOD = [
    *((fault, streamed, text) for fault, text in REPLIES.items() for streamed in (True, False)),
    *((fault, True, text) for fault, text in STREAMED_REPLIES.items()),
]


@asynccontextmanager
async def at(
    upstream: RunningUpstream, fault: str, seconds: float = TIMEOUT, *, sdk: bool
) -> AsyncIterator[OpenAILanguageModel]:
    """Yield a model that the upstream treats like this."""
    model = OpenAILanguageModel(
        api_key=KEY, base_url=upstream.url, model=f"fault:{fault}", timeout=seconds, sdk=sdk
    )
    await model.open()
    yield model
    await model.close()


@pytest.fixture(name="provider", params=[True, False], ids=["through the sdk", "directly"])
def reached(request: pytest.FixtureRequest) -> Provider:
    return partial(at, sdk=request.param)


def shown(error: ChatError) -> str:
    return f"{error.detail} {error} {error.args} {error.title()}"


def test_every_fault_of_the_upstream_is_tried() -> None:
    assert {fault for fault, *_ in (*ERRORS, *GOOD)} == set(FAULTS)


@pytest.mark.parametrize(("fault", "streamed", "expected"), ERRORS)
async def test_a_fault_ends_typed_in_time_and_silent_about_the_provider(
    provider: Provider,
    upstream: RunningUpstream,
    fault: str,
    *,
    streamed: bool,
    expected: type[ChatError],
) -> None:
    async with provider(upstream, fault) as model:
        began = time.monotonic()
        outcome = await ask(model, streamed=streamed)
        took = time.monotonic() - began
    assert type(outcome.error) is expected, (outcome, traceback.format_exception(outcome.error))
    assert outcome.finished is None
    assert took < TIMEOUT + 3
    assert [call.outcome for call in outcome.calls] == [expected.code()]
    for secret in (SECRET, KEY, PROMPT.question, upstream.url):
        assert secret not in shown(outcome.error)


@pytest.mark.parametrize(("fault", "streamed", "text"), GOOD)
async def test_an_oddity_that_leaves_a_reply_is_a_reply(
    provider: Provider,
    upstream: RunningUpstream,
    fault: str,
    *,
    streamed: bool,
    text: str,
) -> None:
    async with provider(upstream, fault, seconds=5) as model:
        outcome = await ask(model, streamed=streamed)
    assert outcome.error is None, traceback.format_exception(outcome.error)
    assert outcome.text == text
    assert all(outcome.pieces)
    assert [(call.outcome, call.seconds < 4) for call in outcome.calls] == [("ok", True)]
    assert outcome.finished is not None
    assert outcome.finished.usage.estimated
    assert outcome.finished.usage.output_tokens == -(-len(text) // 4)


@pytest.mark.parametrize("fault", sorted((REFUSALS | BROKEN_REPLIES).keys() - {"trickle-head"}))
async def test_the_same_question_succeeds_once_the_fault_is_over(
    provider: Provider, upstream: RunningUpstream, fault: str
) -> None:
    async with provider(upstream, f"{fault}:1:{uuid4()}") as model:
        first = await ask(model, streamed=True)
        second = await ask(model, streamed=True)
    assert first.error is not None
    assert second.text == PROMPT.question


@pytest.mark.parametrize(
    ("fault", "seconds"),
    [
        ("rate-limited", 7),
        ("rate-limited-for-a-day", 60),
        ("rate-limited-without-end", None),
        ("rate-limited-nonsense", None),
        ("rate-limited-gemini", 34.5),
        ("unavailable", 3),
        ("quota", None),
    ],
)
async def test_the_wait_that_a_provider_asks_for_is_passed_on_up_to_a_minute(
    provider: Provider, upstream: RunningUpstream, fault: str, seconds: float | None
) -> None:
    async with provider(upstream, fault) as model:
        outcome = await ask(model, streamed=True)
    assert outcome.error is not None
    assert outcome.error.retry_after == seconds


@pytest.mark.parametrize("streamed", [True, False])
async def test_a_provider_that_is_not_there_is_unavailable(*, streamed: bool) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    model = OpenAILanguageModel(api_key=KEY, base_url=f"http://127.0.0.1:{port}/v1", model="m", timeout=TIMEOUT)
    outcome = await ask(model, streamed=streamed)
    await model.close()
    assert type(outcome.error) is ModelUnavailable
    assert [call.usage.input_tokens for call in outcome.calls] == [0]
    assert str(port) not in shown(outcome.error)


async def test_the_key_does_not_follow_a_redirect(provider: Provider, upstream: RunningUpstream) -> None:
    upstream.reset()
    async with provider(upstream, "redirect") as model:
        await ask(model, streamed=True)
    assert upstream.stats()["calls"] == 1
    assert upstream.stats()["leaks"] == 0


async def test_a_refused_call_costs_nothing_and_a_broken_one_what_came(
    provider: Provider, upstream: RunningUpstream
) -> None:
    async with provider(upstream, "unauthorized") as refused, provider(upstream, "end-in-reply") as broken:
        assert [call.usage for call in (await ask(refused, streamed=True)).calls] == [
            Usage(input_tokens=0, output_tokens=0, estimated=True)
        ]
        asked = sum(estimated_tokens(text) for _, text in PROMPT.messages())
        assert [call.usage for call in (await ask(broken, streamed=True)).calls] == [
            Usage(input_tokens=asked, output_tokens=3, estimated=True)
        ]


async def test_a_connection_that_was_closed_while_idle_costs_nobody_a_reply(
    provider: Provider, upstream: RunningUpstream
) -> None:
    upstream.reset()
    async with provider(upstream, "hang-up-after-end", seconds=5) as model:
        outcomes = [await ask(model, streamed=True) for _ in range(10)]
    assert [outcome.error for outcome in outcomes] == [None] * 10
    assert [len(outcome.calls) for outcome in outcomes] == [1] * 10


async def test_a_provider_that_hangs_up_on_everybody_is_not_asked_twice(
    provider: Provider, upstream: RunningUpstream
) -> None:
    upstream.reset()
    async with provider(upstream, "close-at-once:-1", seconds=5) as model:
        outcomes = [await ask(model, streamed=True) for _ in range(10)]
    assert [outcome.error is None for outcome in outcomes] == [True] + 9 * [False]
    assert upstream.stats()["calls"] == 11


async def test_a_compressed_reply_is_not_even_read(provider: Provider, upstream: RunningUpstream) -> None:
    async with provider(upstream, "bomb") as model:
        outcome = await ask(model, streamed=True)
    assert outcome.error is not None
    assert "compresses" in outcome.error.detail


async def test_whoever_runs_the_server_reads_the_status_of_a_refusal_and_none_of_its_words(
    provider: Provider, upstream: RunningUpstream, caplog: pytest.LogCaptureFixture
) -> None:
    async with provider(upstream, "unauthorized") as model:
        await ask(model, streamed=True)
    assert "the model provider answered 401: model-misconfigured" in caplog.messages
    assert SECRET not in caplog.text
    assert KEY not in caplog.text
