"""The servers under test, each described by a small value."""

import hashlib
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent
USUAL_VENV: Final = Path(__file__).parent / ".venv"
# A key for loopback alone: it protects nothing.
SECRET: Final = hashlib.sha256(b"benchmarks").hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """A start worth timing: until `ready` answers, or until the command ends where it is None."""

    label: str
    command: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    ready: str | None = None
    times: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerUnderTest:
    """What there is to know about a server.

    In commands and environment these are filled in: {port}, {upstream} (the model's base URL), {owner} and {role}
    (what follows the scheme in the URL of the database's owner and of a bare role), {secret}, {work} (a directory).
    """

    name: str
    command: tuple[str, ...]
    env: Mapping[str, str]
    prepare: tuple[tuple[str, ...], ...] = ()
    eight_connections: Mapping[str, str] = field(default_factory=dict)
    ready: str = "/health"
    dialect: str = "textbook"
    starts: tuple[Start, ...] = ()


def chatcore() -> ServerUnderTest:
    """Describe this project's server, as it runs in production."""
    program = str(Path(sys.executable).parent / "chatcore")
    return ServerUnderTest(
        name="chatcore",
        command=(program, "serve"),
        prepare=((program, "migrate", "up"),),
        env={
            "DATABASE_URL": "postgresql://{role}",
            "DATABASE_URL_UNPOOLED": "postgresql://{owner}",
            "OPENAI_BASE_URL": "{upstream}",
            "OPENAI_API_KEY": "x",
            "CHATCORE_ENV": "production",
            "CHATCORE_LLM": "openai",
            "CHATCORE_MODEL": "stub",
            "CHATCORE_RATE_LIMIT": "off",
            "CHATCORE_DATA_DIR": "{work}/chatcore",
            "AUTH_JWT_SECRET": "{secret}",
            "HOST": "127.0.0.1",
            "PORT": "{port}",
        },
        eight_connections={"CHATCORE_POOL_MAX": "8"},
        starts=(
            Start(
                label="embedded database, first ever",
                command=(program, "serve"),
                env=_embedded(),
                ready="/health",
            ),
            Start(
                label="embedded database, warm",
                command=(program, "serve"),
                env=_embedded(),
                ready="/health",
                times=3,
            ),
            Start(label="--help", command=(program, "--help"), times=5),
        ),
    )


def direct() -> ServerUnderTest:
    """Describe the same server asking the model without the SDK."""
    server = chatcore()
    env = {**server.env, "CHATCORE_LLM_CLIENT": "direct"}
    return replace(server, name="chatcore-direct", env=env, starts=())


def signed_in() -> ServerUnderTest:
    """Describe the same server asked by users with tokens, each turn audited, of an equally long memory."""
    server = chatcore()
    env = {**server.env, "CHATCORE_ASSISTANT_WINDOW": "10"}
    return replace(server, name="chatcore-signed-in", dialect="signed-in", env=env, starts=())


def _embedded() -> dict[str, str]:
    return {
        "CHATCORE_DATA_DIR": "{work}/embedded",
        "CHATCORE_LLM": "offline",
        "HOST": "127.0.0.1",
        "PORT": "{port}",
    }


def usual() -> ServerUnderTest:
    """Describe the usual stack; its own virtual environment is made when it is first needed."""
    uvicorn = (str(USUAL_VENV / "bin" / "uvicorn"), "--factory", "benchmarks.usual.app:create_app")
    options = (
        "--host",
        "127.0.0.1",
        "--port",
        "{port}",
        "--loop",
        "uvloop",
        "--http",
        "httptools",
        "--no-access-log",
    )
    return ServerUnderTest(
        name="usual",
        command=(*uvicorn, *options),
        env={
            "PYTHONPATH": str(ROOT),
            "DATABASE_URL": "postgresql+asyncpg://{owner}",
            "OPENAI_BASE_URL": "{upstream}",
            "OPENAI_API_KEY": "x",
            "AUTH_JWT_SECRET": "{secret}",
        },
        eight_connections={"DATABASE_POOL_SIZE": "8", "DATABASE_MAX_OVERFLOW": "0"},
    )


SERVERS: Final = {
    "usual": usual,
    "chatcore": chatcore,
    "chatcore-direct": direct,
    "chatcore-signed-in": signed_in,
}
