"""The servers under test, each described by a small value, and how one is started."""

import contextlib
import hashlib
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from benchmarks.database import OWNER, ROLE, Postgres
from benchmarks.processes import NotReadyError, Process, await_ready, environment, free_port, running

ROOT: Final = Path(__file__).parent.parent
USUAL_VENV: Final = Path(__file__).parent / ".venv"
USUAL_LOCK: Final = Path(__file__).parent / "usual" / "requirements.lock"
LONGEST_START: Final = 60.0
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """Something running that can be asked: a server, or the model itself."""

    name: str
    dialect: str
    processes: tuple[Process, ...]
    addresses: tuple[tuple[str, int], ...]
    start_seconds: float = 0.0

    def cpu_seconds(self) -> float:
        """Return the processor time it has used."""
        return sum(process.cpu_seconds() for process in self.processes)

    def memory_kb(self) -> float:
        """Return the memory it has."""
        return sum(process.memory_kb() for process in self.processes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a server needs around it."""

    postgres: Postgres
    upstream: Contender
    work: Path

    def places(self, server: ServerUnderTest, port: int) -> dict[str, str]:
        """Return what fills the gaps of a server's description."""
        host, upstream_port = self.upstream.addresses[0]
        database = database_of(server)
        return {
            "port": str(port),
            "upstream": f"http://{host}:{upstream_port}/v1",
            "owner": self.postgres.address(database, OWNER),
            "role": self.postgres.address(database, ROLE),
            "secret": SECRET,
            "work": str(self.work),
        }


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


SERVERS: Final = {"usual": usual, "chatcore": chatcore}


def install_usual() -> None:
    """Make the usual stack's environment from its lock, unless it is there already."""
    stamp, wanted = USUAL_VENV / "installed", hashlib.sha256(USUAL_LOCK.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(USUAL_VENV)], check=True)
    pip = [str(USUAL_VENV / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run(
        [*pip, "--require-hashes", "--no-deps", "--requirement", str(USUAL_LOCK)],
        check=True,
        capture_output=True,
    )
    stamp.write_text(wanted)


def prepare(server: ServerUnderTest, around: Surroundings) -> None:
    """Give a server its database, migrated.

    Raises:
        NotReadyError: a command failed or is not there.

    """
    if not Path(server.command[0]).exists():
        raise NotReadyError(f"{server.command[0]} is not installed")
    around.postgres.create_database(database_of(server))
    places = around.places(server, 0)
    for command in server.prepare:
        done = subprocess.run(
            fill(command, places),
            env=environment(fill_env(server.env, places)),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise NotReadyError(f"{' '.join(command)}: {(done.stdout + done.stderr)[-600:]}")


@contextlib.contextmanager
def serving(
    server: ServerUnderTest,
    around: Surroundings,
    *,
    processes: int = 1,
    extra: Mapping[str, str] | None = None,
    patience: float = LONGEST_START,
) -> Iterator[Contender]:
    """Run a server, in one process or several of the same, while the block runs.

    Raises:
        NotReadyError: it did not become ready.

    """
    with contextlib.ExitStack() as stack:
        started, addresses, seconds = [], [], 0.0
        for _ in range(processes):
            port = free_port()
            places = around.places(server, port)
            env = fill_env({**server.env, **(extra or {})}, places)
            process = stack.enter_context(
                running(fill(server.command, places), around.work / f"{server.name}.log", env)
            )
            seconds = await_ready(process, ("127.0.0.1", port), server.ready, patience)
            started.append(process)
            addresses.append(("127.0.0.1", port))
        yield Contender(
            name=server.name,
            dialect=server.dialect,
            processes=tuple(started),
            addresses=tuple(addresses),
            start_seconds=seconds,
        )


def fill(command: tuple[str, ...], places: Mapping[str, str]) -> list[str]:
    """Fill the gaps of a command."""
    return [part.format_map(places) for part in command]


def fill_env(env: Mapping[str, str], places: Mapping[str, str]) -> dict[str, str]:
    """Fill the gaps of an environment."""
    return {name: value.format_map(places) for name, value in env.items()}


def database_of(server: ServerUnderTest) -> str:
    """Return the name of a server's own database."""
    return f"bench_{server.name}"
