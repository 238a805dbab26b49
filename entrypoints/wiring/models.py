"""The language models: one for each provider, and what makes them bear more."""

import time
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType

import structlog

from adapters.local_model import LocalModel, LocalModelUnavailable
from adapters.offline import OfflineLanguageModel
from adapters.openai.model import GEMINI_URL, OpenAILanguageModel
from adapters.resilience import (
    Breaker,
    BreakerState,
    CircuitBreaking,
    FallingBack,
    Patience,
    Retrying,
    WithDeadline,
)
from chatcore.errors import ModelUnavailable
from chatcore.ports.language_model import Finished, LanguageModel, ModelRequest
from entrypoints.settings import Client, Provider, Settings

OPENAI_MODEL = "gpt-4o-mini"
GEMINI_MODEL = "gemini-2.5-flash"
_NO_KEY = "none"
"""What is sent to an endpoint that wants no key; the SDK insists on one."""
_GAP = 0.02
"""Seconds between the words of a streamed reply without a model, so that people see what streaming is."""
_NO_LIMIT = 86_400.0
"""Seconds of a call without a limit: no reply takes a day, and no clock overflows."""


_HOPELESS, _STOOD_IN_FOR = 0.9, 0.5
"""The parts of a model's calls that fail before it is left alone: where nobody stands in for it, being refused helps
nobody whom it would still have answered; where somebody does, they are all answered, and sooner.
"""


class ModelUnusable(Exception):
    """The model cannot be used as this installation is; says what mends it."""


def check(settings: Settings) -> None:
    """Return where the model that is chosen is there, as far as can be told without asking it.

    Raises:
        ModelUnusable: it is not.
    """
    if settings.provider is Provider.LOCAL:
        try:
            LocalModel().check()
        except LocalModelUnavailable as error:
            raise ModelUnusable(str(error)) from error


class Breakers:
    """The breakers of this process, so that whoever runs it can see them."""

    def __init__(self) -> None:
        """Begin with none."""
        self._all: dict[str, Breaker] = {}

    def fresh(self, model: str, *, share: float = _HOPELESS) -> Breaker:
        """Return a new breaker for a model, which opens when such a share of its calls fails and logs its moves."""
        log = structlog.get_logger()

        def changed(state: BreakerState) -> None:
            log.warning("model breaker", model=model, state=state.value)

        self._all[model] = breaker = Breaker(clock=time.monotonic, share=share, changed=changed)
        return breaker

    def figures(self) -> Iterable[tuple[str, str, float]]:
        """Return how many models are left alone now."""
        shut = sum(breaker.state is not BreakerState.CLOSED for breaker in self._all.values())
        yield "model_breakers_open", "Models that are left alone after failing again and again", shut


def openai(settings: Settings, name: str | None = None) -> LanguageModel:
    """Return the model at OpenAI, or at a compatible endpoint; the one of the settings unless another is named."""
    name = name or settings.model or OPENAI_MODEL
    return _compatible(settings, name, key=settings.openai_api_key, url=settings.openai_base_url)


def gemini(settings: Settings, name: str | None = None) -> LanguageModel:
    """Return the model at Google; the one of the settings unless another is named."""
    name = name or settings.model or GEMINI_MODEL
    return _compatible(settings, name, key=settings.gemini_api_key, url=GEMINI_URL)


def local(settings: Settings) -> LanguageModel:
    """Return the small model that runs on this machine."""
    return OnThisMachine(timeout=_timeout(settings))


def offline(settings: Settings) -> LanguageModel:
    """Return what needs no model and is none."""
    del settings
    return OfflineLanguageModel(gap=_GAP)


MODELS: Mapping[Provider, Callable[[Settings], LanguageModel]] = MappingProxyType(
    {
        Provider.OPENAI: openai,
        Provider.GEMINI: gemini,
        Provider.LOCAL: local,
        Provider.OFFLINE: offline,
    }
)
"""What makes the model of each provider."""


class OnThisMachine(LanguageModel):
    """The small model of a process of ours, spoken to like any provider; open it before it speaks."""

    def __init__(self, *, timeout: float) -> None:
        """Take how many seconds a call may take."""
        self._process = LocalModel()
        self._timeout = timeout
        self._model: OpenAILanguageModel | None = None

    @property
    def name(self) -> str:
        """The name of the weights."""
        return self._process.name

    async def open(self) -> None:
        """Start the process, which takes a second or so.

        Raises:
            ModelUnusable: it is not installed, or did not get ready.
        """
        try:
            address = await self._process.start()
        except LocalModelUnavailable as error:
            raise ModelUnusable(str(error)) from error
        key = self._process.api_key
        self._model = OpenAILanguageModel(api_key=key, model=self.name, base_url=address, timeout=self._timeout)
        await self._model.open()

    async def close(self) -> None:
        """End the process."""
        if self._model is not None:
            await self._model.close()
        await self._process.stop()

    def speak(self, request: ModelRequest) -> AsyncGenerator[str | Finished, None]:
        """Ask it; see the port."""
        if self._model is None:
            raise ModelUnavailable("the local model is not running")
        return self._model.speak(request)


def fallback(settings: Settings) -> LanguageModel | None:
    """Return the model that stands in for the first one, where there is one."""
    if settings.fallback_model is None:
        return None
    match settings.provider:
        case Provider.OPENAI:
            return openai(settings, settings.fallback_model)
        case Provider.GEMINI:
            return gemini(settings, settings.fallback_model)
        case Provider.LOCAL | Provider.OFFLINE:
            return None


def resilient(
    model: LanguageModel, second: LanguageModel | None, settings: Settings, breakers: Breakers
) -> LanguageModel:
    """Return a model that is asked again, left alone, stood in for and cut short where that is wise.

    The deadline stands outermost: it bounds the whole call, whatever is tried inside it.
    """
    if settings.provider is Provider.OFFLINE:
        return model
    bearing = _guarded(
        model, settings, breakers.fresh(model.name, share=_HOPELESS if second is None else _STOOD_IN_FOR)
    )
    if second is not None:
        bearing = FallingBack(bearing, _guarded(second, settings, breakers.fresh(second.name)))
    return WithDeadline(bearing, seconds=_timeout(settings))


def _guarded(model: LanguageModel, settings: Settings, breaker: Breaker) -> LanguageModel:
    # A provider's wish to be left alone beyond the deadline is told to the client, not slept through.
    usual = Patience()
    patience = replace(usual, seconds=min(usual.seconds, _timeout(settings)))
    # The breaker stands outside: who is refused by it would otherwise wait, and be asked for again.
    return CircuitBreaking(Retrying(model, patience=patience), breaker)


def _compatible(settings: Settings, name: str, *, key: str | None, url: str | None) -> LanguageModel:
    return OpenAILanguageModel(
        api_key=key or _NO_KEY,
        model=name,
        base_url=url,
        timeout=_timeout(settings),
        sdk=settings.llm_client is Client.SDK,
    )


def _timeout(settings: Settings) -> float:
    return _NO_LIMIT if settings.model_timeout is None else settings.model_timeout
