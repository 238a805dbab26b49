"""Every LanguageModel there is, made ready to answer, to hang, or to fail as its port says it may."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from time import monotonic

from adapters.local_model import LocalModel
from adapters.offline import OfflineLanguageModel
from adapters.openai import OpenAILanguageModel
from adapters.resilience import (
    Breaker,
    CircuitBreaking,
    FallingBack,
    Limited,
    Patience,
    Retrying,
    WithDeadline,
)
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
from chatcore.ports.language_model import LanguageModel
from tests.upstream.fixtures import RunningUpstream

Made = AbstractAsyncContextManager[LanguageModel]
Wrap = Callable[[LanguageModel], LanguageModel]

RAISES: Mapping[type[ChatError], str] = {
    ModelFailed: "page",
    ModelUnavailable: "rate-limited",
    ModelTimedOut: "hang-before-first-token",
    ModelRefused: "filtered-prompt",
    ModelMisconfigured: "unauthorized",
    ModelQuotaExhausted: "quota",
    PromptTooLong: "context-too-long",
}
"""Each error that the port documents, and the fault of a provider that brings it about."""

WRAPPERS: Mapping[str, Wrap] = {
    "retrying": lambda model: Retrying(model, patience=Patience(attempts=1)),
    "circuit breaking": lambda model: CircuitBreaking(model, Breaker(clock=monotonic)),
    "falling back": lambda model: FallingBack(ScriptedLanguageModel([ModelMisconfigured()]), model),
    "limited": lambda model: Limited(model, at_once=100, waiting=0),
    "with deadline": lambda model: WithDeadline(model, seconds=60),
    "everything": lambda model: WithDeadline(
        CircuitBreaking(
            Retrying(Limited(model, at_once=100, waiting=0), patience=Patience(attempts=1)),
            Breaker(clock=monotonic),
        ),
        seconds=60,
    ),
}


@asynccontextmanager
async def _at(
    upstream: RunningUpstream, kind: str, name: str, seconds: float = 10.0
) -> AsyncIterator[LanguageModel]:
    model = OpenAILanguageModel(
        api_key="key", base_url=upstream.url, model=name, timeout=seconds, sdk=kind == "openai"
    )
    await model.open()
    yield model
    await model.close()


@asynccontextmanager
async def _ready(model: LanguageModel) -> AsyncIterator[LanguageModel]:
    yield model


@asynccontextmanager
async def _local() -> AsyncIterator[LanguageModel]:
    server = LocalModel(longest_reply=32)
    url = await server.start()
    model = OpenAILanguageModel(api_key=server.api_key, base_url=url, model=server.name, timeout=120)
    yield model
    await model.close()
    await server.stop()


def answering(kind: str, upstream: RunningUpstream) -> Made:
    """Return a model of this kind that answers."""
    match kind:
        case "openai" | "openai without the sdk":
            return _at(upstream, kind, "echo")
        case "local":
            return _local()
        case "offline":
            return _ready(OfflineLanguageModel())
        case "scripted":
            return _ready(ScriptedLanguageModel(["An answer of five words."]))
        case _:
            return _ready(WRAPPERS[kind](ScriptedLanguageModel(["An answer of five words."])))


def hanging(kind: str, upstream: RunningUpstream) -> Made:
    """Return a model of this kind that does not come to its end for a while."""
    stuck = Reply(pieces=("One ", "two"), hold=asyncio.Event(), hold_after=1)
    match kind:
        case "openai" | "openai without the sdk":
            return _at(upstream, kind, "fault:hang-after-first-token")
        case "local":
            return _local()
        case "offline":
            return _ready(OfflineLanguageModel(gap=60))
        case "scripted":
            return _ready(ScriptedLanguageModel([stuck]))
        case _:
            return _ready(WRAPPERS[kind](ScriptedLanguageModel([stuck])))


def failing(kind: str, upstream: RunningUpstream, error: type[ChatError]) -> Made:
    """Return a model of this kind that fails like this before it says anything."""
    match kind:
        case "openai" | "openai without the sdk":
            return _at(upstream, kind, f"fault:{RAISES[error]}", seconds=0.5)
        case "scripted":
            return _ready(ScriptedLanguageModel([error("no")]))
        case _:
            return _ready(WRAPPERS[kind](ScriptedLanguageModel([error("no")])))


def breaking(kind: str, upstream: RunningUpstream) -> Made:
    """Return a model of this kind that fails after its first piece."""
    broken = Reply(pieces=("Once ",), error=ModelFailed("broke off"))
    match kind:
        case "openai" | "openai without the sdk":
            return _at(upstream, kind, "fault:end-in-reply")
        case "scripted":
            return _ready(ScriptedLanguageModel([broken]))
        case _:
            return _ready(WRAPPERS[kind](ScriptedLanguageModel([broken])))


CAN_FAIL = ("openai", "openai without the sdk", "scripted", *WRAPPERS)
ALL = ("offline", "local", *CAN_FAIL)
