"""Servers started, given a database of their own, and ended again."""

import contextlib
import hashlib
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.database import OWNER, ROLE, Postgres
from benchmarks.processes import NotReadyError, Process, await_ready, environment, free_port, running
from benchmarks.servers import SECRET, USUAL_VENV, ServerUnderTest

USUAL_LOCK: Final = Path(__file__).parent / "usual" / "requirements.lock"
LONGEST_START: Final = 60.0


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
