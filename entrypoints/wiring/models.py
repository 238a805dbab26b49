"""The language models, each made from the settings."""

from adapters.offline import OfflineLanguageModel
from adapters.openai.model import GEMINI_URL, OpenAILanguageModel
from entrypoints.settings import Settings

OPENAI_MODEL = "gpt-4o-mini"
GEMINI_MODEL = "gemini-2.5-flash"
_NO_KEY = "none"
"""What is sent to an endpoint that wants no key; the SDK insists on one."""
_NO_LIMIT = 86_400.0
"""Seconds of a call without a limit: no reply takes a day, and no clock overflows."""


def openai(settings: Settings) -> OpenAILanguageModel:
    """Return the model at OpenAI, or at a compatible endpoint."""
    return OpenAILanguageModel(
        api_key=settings.openai_api_key or _NO_KEY,
        model=settings.model or OPENAI_MODEL,
        base_url=settings.openai_base_url,
        timeout=_timeout(settings),
    )


def gemini(settings: Settings) -> OpenAILanguageModel:
    """Return the model at Google."""
    return OpenAILanguageModel(
        api_key=settings.gemini_api_key or _NO_KEY,
        model=settings.model or GEMINI_MODEL,
        base_url=GEMINI_URL,
        timeout=_timeout(settings),
    )


def offline(settings: Settings) -> OfflineLanguageModel:
    """Return what needs no model and is none."""
    del settings
    return OfflineLanguageModel()


def _timeout(settings: Settings) -> float:
    return _NO_LIMIT if settings.model_timeout is None else settings.model_timeout
