"""Checks everything that a server depends on, without serving."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import aclosing
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from chatcore.errors import ChatError
from chatcore.ports.language_model import LanguageModel, ModelCall, ModelRequest
from chatcore.prompt import Prompt
from entrypoints.development_key import signing_secret
from entrypoints.settings import Provider, Settings, Switch
from entrypoints.wiring import tracing
from entrypoints.wiring.lifetime import Closable
from entrypoints.wiring.models import MODELS, ModelUnusable, check
from entrypoints.wiring.storage import Storage, StorageUnusable, storage

_PATIENCE = 20.0
_CULPRITS = {
    Provider.OPENAI: "OPENAI_API_KEY, OPENAI_BASE_URL and CHATCORE_MODEL",
    Provider.GEMINI: "GEMINI_API_KEY and CHATCORE_MODEL",
    Provider.LOCAL: "that `make demo` installed it",
}


class Grade(StrEnum):
    """How bad a finding is; only a fault keeps a server from serving."""

    OK = "ok"
    WARNING = "warning"
    FAULT = "fault"


class Finding(NamedTuple):
    """What was found about something, with what mends it."""

    grade: Grade
    about: str
    words: str


def checks(settings: Settings) -> Iterator[Finding]:
    """Yield a finding for each thing that is checked."""
    if settings.embedded or not settings.authentication:
        yield _data_directory(settings.data_directory)
    yield from _authentication(settings)
    yield from _database(settings)
    yield _model(settings)
    if settings.audit is Switch.OFF:
        words = "no row of what users do is kept; the request lines are the only trail"
        yield Finding(Grade.WARNING, "CHATCORE_AUDIT", words)
    if settings.otlp_endpoint is not None:
        yield _tracing()


def _data_directory(directory: Path) -> Finding:
    nearest = next(path for path in (directory, *directory.parents) if path.exists())
    if os.access(nearest, os.W_OK | os.X_OK):
        return Finding(Grade.OK, "CHATCORE_DATA_DIR", str(directory))
    return Finding(Grade.FAULT, "CHATCORE_DATA_DIR", f"{nearest} cannot be written to; name another directory")


def _authentication(settings: Settings) -> Iterator[Finding]:
    for variable in settings.authentication:
        yield Finding(Grade.OK, variable, "callers are known by it")
    if not settings.authentication:
        try:
            signing_secret(settings)
            words = "callers are known by tokens of this installation's development key: chatcore token USER"
            yield Finding(Grade.OK, "authentication", words)
        except OSError as error:
            yield Finding(Grade.FAULT, "authentication", f"the development key cannot be kept: {error}")


def _database(settings: Settings) -> Iterator[Finding]:
    about = "embedded PostgreSQL" if settings.embedded else "DATABASE_URL"
    try:
        with storage(settings) as place:
            findings = list(_of_storage(place, settings, about))
    except StorageUnusable as error:
        findings = [Finding(Grade.FAULT, about, str(error))]
    yield from findings


def _of_storage(place: Storage, settings: Settings, about: str) -> Iterator[Finding]:
    exposures = place.exposures()
    yield Finding(Grade.OK, about, "answers")
    lacking = place.pending()
    if lacking:
        yield Finding(Grade.FAULT, "schema", f"lacks {', '.join(lacking)}; run: chatcore migrate up")
    else:
        yield Finding(Grade.OK, "schema", "is of this version")
    for exposure in exposures:
        yield Finding(Grade.FAULT if settings.production else Grade.WARNING, "isolation", exposure)
    if not exposures:
        yield Finding(Grade.OK, "isolation", "row-level security binds the role that serves")


def _model(settings: Settings) -> Finding:
    about = f"model ({settings.provider})"
    if settings.provider is Provider.OFFLINE:
        words = "no real model; set OPENAI_API_KEY or GEMINI_API_KEY, or CHATCORE_LLM=local"
        return Finding(Grade.WARNING, about, words)
    try:
        check(settings)
        model = MODELS[settings.provider](settings)
        return asyncio.run(_asked(model, about, _CULPRITS[settings.provider]))
    except ModelUnusable as error:
        return Finding(Grade.FAULT, about, str(error))


def _tracing() -> Finding:
    about = "OTEL_EXPORTER_OTLP_ENDPOINT"
    try:
        tracing.check()
    except tracing.TracingUnusable as error:
        return Finding(Grade.FAULT, about, str(error))
    return Finding(Grade.OK, about, "spans are sent there")


def _unmetered(call: ModelCall) -> None:
    del call


async def _asked(model: LanguageModel, about: str, culprits: str) -> Finding:
    prompt = Prompt(instructions="Answer with one word.", question="Say yes.")
    request = ModelRequest(prompt=prompt, streamed=False, meter=_unmetered)
    try:
        if isinstance(model, Closable):
            await model.open()
        async with asyncio.timeout(_PATIENCE), aclosing(model.speak(request)) as said:
            async for _ in said:
                pass
    except (ChatError, TimeoutError) as error:
        words = error.title() if isinstance(error, ChatError) else f"no answer within {_PATIENCE:g} s"
        return Finding(Grade.FAULT, about, f"{model.name}: {words}; check {culprits}")
    finally:
        if isinstance(model, Closable):
            await model.close()
    return Finding(Grade.OK, about, f"{model.name} answers")
