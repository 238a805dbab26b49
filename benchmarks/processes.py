"""Child processes: started, awaited, measured by /proc, and ended by their own id."""

import contextlib
import http.client
import os
import re
import resource
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
POLL = 0.005
GRACE = 12.0
LOG_TAIL = 600


class NotReadyError(Exception):
    """A process ended, or did not answer in time; the message holds the end of its log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """A running child and where its output goes."""

    popen: subprocess.Popen[bytes]
    log: Path

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.popen.pid

    def cpu_seconds(self) -> float:
        """Return user and system time of it and its children so far; the database's processes are none of them."""
        return sum(_cpu_seconds(pid) for pid in _family(self.pid))

    def memory_kb(self) -> float:
        """Return the proportional set size of it and its children."""
        return sum(_proportional_set_kb(pid) for pid in _family(self.pid))

    def log_tail(self) -> str:
        """Return the last it said."""
        return self.log.read_text(errors="replace")[-LOG_TAIL:]


@contextlib.contextmanager
def running(
    command: Sequence[str], log: Path, env: Mapping[str, str], *, user: str | None = None
) -> Iterator[Process]:
    """Run a command while the block runs, then end it: SIGTERM, and SIGKILL after a grace."""
    with log.open("ab") as output:
        popen = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment(env),
            user=user,
        )
    try:
        yield Process(popen=popen, log=log)
    finally:
        _end(popen)


def environment(extra: Mapping[str, str]) -> dict[str, str]:
    """Return a small environment: nothing the caller has set leaks into what is measured."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    return {**kept, **extra}


def await_ready(process: Process, address: tuple[str, int], path: str, seconds: float) -> float:
    """Wait until a GET answers 200 and return the seconds it took.

    Raises:
        NotReadyError: the process ended, or the time did.

    """
    began = time.perf_counter()
    while (elapsed := time.perf_counter() - began) < seconds:
        if process.popen.poll() is not None:
            raise NotReadyError(f"ended with {process.popen.returncode}: {process.log_tail()}")
        if _answers(address, path):
            return elapsed
        time.sleep(POLL)
    raise NotReadyError(f"not ready after {seconds:.0f} s: {process.log_tail()}")


def free_port() -> int:
    """Return a port of the loopback nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def raise_open_files() -> None:
    """Allow as many open files as this process may have; children inherit it."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _answers(address: tuple[str, int], path: str) -> bool:
    connection = http.client.HTTPConnection(*address, timeout=1.0)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _end(popen: subprocess.Popen[bytes]) -> None:
    for number, patience in ((signal.SIGTERM, GRACE), (signal.SIGKILL, GRACE)):
        if popen.poll() is not None:
            return
        popen.send_signal(number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            popen.wait(patience)


def _family(pid: int) -> Iterator[int]:
    yield pid
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in _read(task).split():
            if (
                Path(f"/proc/{child}/comm").exists()
                and _read(Path(f"/proc/{child}/comm")).strip() != "postgres"
            ):
                yield from _family(int(child))


def _cpu_seconds(pid: int) -> float:
    # The command's name, in brackets, may hold spaces; utime and stime are the 12th and 13th after it.
    after_name = _read(Path(f"/proc/{pid}/stat")).rpartition(")")[2].split()
    return (int(after_name[11]) + int(after_name[12])) / TICKS_PER_SECOND if after_name else 0.0


def _proportional_set_kb(pid: int) -> float:
    found = re.search(r"^Pss:\s+(\d+) kB", _read(Path(f"/proc/{pid}/smaps_rollup")), re.MULTILINE)
    return float(found[1]) if found else 0.0


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
