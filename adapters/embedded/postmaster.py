"""What the files and the socket of a server tell about it, whoever started it."""

import os
import socket
import time
from contextlib import suppress
from pathlib import Path

from adapters.embedded.errors import DirectoryInUse
from adapters.embedded.layout import Layout

_PID_LINE = 0
_STATUS_LINE = 7
_SECONDS_TO_SHUT_DOWN = 15.0
_SECONDS_TO_LEAVE = 0.5
_SECONDS_BETWEEN_LOOKS = 0.005


def ready_pid(layout: Layout) -> int | None:
    """Return the process id of the postmaster that says it is ready, if one does.

    The file's lines are named in PostgreSQL's ``src/include/utils/pidfile.h``. It may be stale.
    """
    lines = _pid_file(layout)
    ready = len(lines) > _STATUS_LINE and lines[_STATUS_LINE].strip() == "ready"
    return int(lines[_PID_LINE]) if ready else None


def listens(layout: Layout) -> bool:
    """Return whether a server answers at the socket.

    The one proof that needs no privilege: the file of process ids may be stale and its number may
    be another process's by now, and /proc says nothing about other users' processes in a container.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(0)
        try:
            probe.connect(str(layout.socket))
        except BlockingIOError:
            return True  # so many are waiting that the queue is full
        except OSError:
            return False
        return True


def await_orphan(layout: Layout, seconds: float = _SECONDS_TO_SHUT_DOWN) -> None:
    """Wait for a server whose supervisor was killed to finish shutting down.

    Raises:
        DirectoryInUse: a server goes on running that nobody supervises.
    """
    deadline = time.monotonic() + seconds
    while listens(layout):
        if time.monotonic() > deadline:
            raise DirectoryInUse(layout.data, int((_pid_file(layout) or ["0"])[_PID_LINE]))
        time.sleep(_SECONDS_BETWEEN_LOOKS)


def forget_dead(layout: Layout) -> None:
    """Remove the lock files of a dead server whose process id now is somebody else's.

    PostgreSQL takes any living process of that number for the server and refuses to start, which in
    a container, where numbers are small and recur, happens at once. To be called only by the holder
    of our own lock when nothing listens; should backends of the dead server still be alive,
    PostgreSQL notices by their shared memory.
    """
    # A server that just closed its socket still has its files to remove, and must not find ours.
    deadline = time.monotonic() + _SECONDS_TO_LEAVE
    for lock in (layout.data / "postmaster.pid", Path(f"{layout.socket}.lock")):
        while _names_a_living_process(lock) and time.monotonic() < deadline:
            time.sleep(_SECONDS_BETWEEN_LOOKS)
        if _names_a_living_process(lock):
            lock.unlink(missing_ok=True)


def _names_a_living_process(lock: Path) -> bool:
    lines = _lines(lock)
    with suppress(ValueError, IndexError, OSError):
        os.kill(int(lines[_PID_LINE]), 0)
        return True
    return False


def _pid_file(layout: Layout) -> list[str]:
    return _lines(layout.data / "postmaster.pid")


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return []
