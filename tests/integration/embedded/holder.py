"""What the tests know of a server from outside: its files, its processes, and another owner's."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Self

import psycopg

import adapters
from adapters.embedded.binaries import find_installation

_HERE = Path(__file__).parent
_ROOM = 1_000_000_000
_PROJECT = Path(adapters.__path__[0]).parent


class Holder:
    """Another process that starts, restarts and stops a server on a directory."""

    def __init__(
        self,
        data_dir: Path,
        *,
        user: int | None = None,
        python: str = sys.executable,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        extra = dict(environment or {})
        path = [extra.pop("PYTHONPATH", ""), str(_PROJECT), str(find_installation().parent.parent)]
        self.process = subprocess.Popen(
            [python, str(_HERE / "hold.py"), str(data_dir)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            user=user,
            group=user,
            extra_groups=None if user is None else [],
            cwd="/",
            process_group=0,
            env=os.environ | extra | {"PYTHONPATH": os.pathsep.join(filter(None, path))},
        )

    def order(self, what: str) -> None:
        """Give an order without waiting for it."""
        assert self.process.stdin is not None
        print(what, file=self.process.stdin, flush=True)

    def answer(self) -> dict[str, bool]:
        """Return what the process says after an order; an empty answer when it failed."""
        assert self.process.stdout is not None
        return dict(json.loads(self.process.stdout.readline() or "{}"))

    def do(self, what: str) -> dict[str, bool]:
        """Give an order and wait for its answer."""
        self.order(what)
        return self.answer()

    def kill(self) -> None:
        """Kill the process without giving it a chance."""
        self.process.send_signal(signal.SIGKILL)
        self.leave()

    def leave(self) -> None:
        """End the input and wait for the process."""
        self.process.communicate(timeout=10)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.kill()


def postmaster(data_dir: Path) -> int:
    """Return the process id that the server wrote down."""
    return int((data_dir / "postgres/data/postmaster.pid").read_text().splitlines()[0])


def runs(pid: int) -> bool:
    """Return whether a process runs; one that ended and was not yet collected does not."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except ProcessLookupError:
        return False
    except FileNotFoundError:
        return not Path("/proc/self").exists()


def soon(condition: Callable[[], bool], seconds: float = 5.0) -> bool:
    """Return whether the condition comes true within some seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.002)
    return True


def ask(url: str, query: str) -> str:
    """Return the first column of the first row as text."""
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return str(row[0])


def do(url: str, *statements: str) -> None:
    """Execute statements, each committed by itself."""
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def new_directory() -> Path:
    """Return a new directory, in memory where there is room.

    It is shorter than tmp_path's, for a socket's path is short; and a thousand small files, which
    is what a cluster is made of, take some disks most of a second.
    """
    memory = Path("/dev/shm")  # noqa: S108 - mkdtemp makes a private directory in it
    roomy = memory.is_dir() and shutil.disk_usage(memory).free > _ROOM and os.access(memory, os.W_OK)
    return Path(tempfile.mkdtemp(prefix="cc-", dir=memory if roomy else None))


def remove(directory: Path) -> None:
    """Remove a directory of a server that may still be going down."""
    shutil.rmtree(directory, ignore_errors=True)
    shutil.rmtree(directory, ignore_errors=True)
