"""Processes of a test's own: each dies with the test, is waited for, and writes into a file."""

import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
# What the console script does, from the checkout that this file lies in, wherever the installed one is.
CHATCORE = (sys.executable, "-c", "from entrypoints.cli import main; main()")
LAUNCH = Path(__file__).with_name("launch.py")


def free_port() -> int:
    """Return a loopback port that nobody listens on, and that the system gives to no outgoing connection.

    A server that is restarted has to find its port free again.
    """
    while True:
        port = random.randint(20_000, 32_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def launch(command: Sequence[str], log: Path, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Start a command that dies with this process; its words go to a file.

    The kernel watches the *thread* that starts it, so start from one that lives long enough.
    """
    launcher = [sys.executable, "-I", "-S", str(LAUNCH), str(os.getpid())]
    with log.open("ab") as words:
        return subprocess.Popen(
            [*launcher, *command],
            env=dict(environment),
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=words,
            stderr=words,
        )


class Server:
    """One `chatcore serve`, always on the same port."""

    def __init__(self, log: Path, environment: Mapping[str, str]) -> None:
        self.port = free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        self.log = log
        self._environment = {**environment, "PORT": str(self.port), "HOST": "127.0.0.1"}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        return 0 if self._process is None else self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self, **changes: str) -> None:
        self._process = launch([*CHATCORE, "serve"], self.log, {**self._environment, **changes})

    def wait_ready(self, seconds: float = 40) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until and self.running:
            with contextlib.suppress(OSError, urllib.error.URLError):
                urllib.request.urlopen(f"{self.base}/health/ready", timeout=2).close()
                return
            time.sleep(0.05)
        msg = f"no server on {self.base}:\n{self.log.read_text()[-4000:]}"
        raise AssertionError(msg)

    def send(self, number: signal.Signals) -> None:
        if self._process is not None and self.running:
            self._process.send_signal(number)

    def kill(self) -> None:
        """End it at once, stopped or not, and see to it that no zombie stays."""
        self.send(signal.SIGKILL)
        if self._process is not None:
            self._process.wait(10)

    def stop(self, number: signal.Signals = signal.SIGTERM, seconds: float = 40) -> tuple[int, float]:
        """Ask it to end, and return its exit code and how many seconds it took."""
        began = time.monotonic()
        self.send(number)
        return self.ended(seconds), time.monotonic() - began

    def ended(self, seconds: float = 40) -> int:
        """Return its exit code once it has ended."""
        return 0 if self._process is None else self._process.wait(seconds)

    def resident(self) -> int:
        """Return its resident memory in bytes."""
        pages = Path(f"/proc/{self.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    def open_files(self) -> int:
        """Return how many file descriptors it has."""
        return len(list(Path(f"/proc/{self.pid}/fd").iterdir()))

    def lines(self, event: str) -> list[dict[str, Any]]:
        """Return what it wrote down of one kind, in the order in which it did."""
        written = (json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{"))
        return [line for line in written if line.get("event") == event]


class Upstream:
    """The provider, a process of its own."""

    def __init__(self, folder: Path, *, gap: float) -> None:
        self._log = folder / f"upstream-{free_port()}.log"
        command = [sys.executable, "-m", "tests.upstream", "--port", "0", "--gap", str(gap)]
        self._process = launch(command, self._log, {"PATH": os.environ["PATH"]})
        self.port = self._listening()

    @property
    def url(self) -> str:
        """What a client takes as its base URL."""
        return f"http://127.0.0.1:{self.port}/v1"

    def stats(self) -> dict[str, int]:
        return dict(self._told("stats"))

    def bills(self) -> list[dict[str, Any]]:
        """Return what each call cost: its question, its tokens, and whether it was told them."""
        return list(self._told("bills"))

    def heal(self, *, healthy: bool) -> None:
        """Have the model `told` behave well, or as it is told."""
        self._post("heal" if healthy else "break")

    def _told(self, path: str) -> Any:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/{path}", timeout=10) as answer:
            return json.load(answer)

    def _post(self, path: str) -> None:
        urllib.request.urlopen(f"http://127.0.0.1:{self.port}/{path}", b"", timeout=10).close()

    def freeze(self, *, frozen: bool) -> None:
        """Stop it in its tracks, or let it go on."""
        self._process.send_signal(signal.SIGSTOP if frozen else signal.SIGCONT)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait(10)

    def _listening(self) -> int:
        until = time.monotonic() + 30
        while time.monotonic() < until and self._process.poll() is None:
            if (said := self._log.read_text()).endswith("\n"):
                return int(said.split()[-1])
            time.sleep(0.02)
        msg = f"no upstream: {self._log.read_text()}"
        raise AssertionError(msg)
