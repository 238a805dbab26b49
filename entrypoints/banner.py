"""What whoever starts the server reads first: where it is, what answers, and one command to try."""

import os
import shutil
import sys
from pathlib import Path
from urllib.parse import urlsplit

from entrypoints.settings import Provider, Settings
from entrypoints.wiring.storage import Storage

_TRY = (
    """curl {base}/chat -H 'content-type: application/json' -d '{{"message": "What is a humanoid robot?"}}'"""
)


def banner(settings: Settings, place: Storage, host: str, port: int) -> str:
    """Return a few lines; there is no secret in them."""
    base = f"http://{_reachable(host)}:{port}"
    return "\n".join(
        (
            "",
            f"  chatcore   {base}",
            f"  docs       {base}/docs",
            f"  database   {_database(settings, place)}",
            f"  model      {_model(settings)}",
            f"  callers    {_callers(settings)}",
            "",
            f"  Try it:    {_TRY.format(base=base)}",
            "  Stop it:   Ctrl-C",
            "",
        )
    )


def _reachable(host: str) -> str:
    if host in {"0.0.0.0", "::"}:  # noqa: S104 - compared, not bound
        return "localhost"
    return f"[{host}]" if ":" in host else host


def _database(settings: Settings, place: Storage) -> str:
    if place.embedded:
        return f"embedded PostgreSQL in {settings.data_directory}"
    url = urlsplit(place.app_url)
    return f"PostgreSQL at {url.hostname or 'a local socket'}{url.path and f', database {url.path[1:]}'}"


def _model(settings: Settings) -> str:
    match settings.provider:
        case Provider.OFFLINE:
            return "offline: NO REAL MODEL, answers are made of the words you send. Set OPENAI_API_KEY for one"
        case Provider.LOCAL:
            return "local: a small real model on this machine, its answers are real and weak"
        case provider:
            return f"{provider}, {settings.model or 'its default model'}"


def _callers(settings: Settings) -> str:
    if settings.authentication:
        return f"known by {', '.join(settings.authentication)}"
    return f"known by this installation's development key: {_program()} token USER"


def _program() -> str:
    """Return what to type for this program: where it is, unless it is on the path."""
    name = Path(sys.argv[0]).name
    return name if shutil.which(name) else os.path.relpath(sys.argv[0])
