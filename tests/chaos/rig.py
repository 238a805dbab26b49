"""The machine under test: two servers, one PostgreSQL, one upstream, and the ways to break them."""

import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, urlsplit

from adapters.embedded import EmbeddedPostgres
from adapters.postgres.provision import as_role, prepare_embedded
from tests.chaos.clients import SECRET

LEASE_SECONDS = 3
CHATCORE = Path(sys.executable).with_name("chatcore")


def free_port() -> int:
    """Return a loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """One `chatcore serve`."""

    def __init__(self, log: Path, environment: dict[str, str]) -> None:
        self.port = free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        self._log = log
        self._environment = environment | {"PORT": str(self.port), "HOST": "127.0.0.1"}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [CHATCORE, "serve"], env=self._environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )

    def wait_ready(self, seconds: float = 30) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            with contextlib.suppress(OSError, urllib.error.URLError):
                urllib.request.urlopen(f"{self.base}/health", timeout=1).close()
                return
            time.sleep(0.05)
        msg = f"no server on {self.base}:\n{self._log.read_text()[-4000:]}"
        raise AssertionError(msg)

    def signal(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        if self._process is not None:
            self._process.wait(10)

    def terminate(self, seconds: float = 30) -> float:
        """Ask it to end, and return how many seconds that took."""
        began = time.monotonic()
        self.signal(signal.SIGTERM)
        if self._process is not None:
            self._process.wait(seconds)
        return time.monotonic() - began

    def resident(self) -> int:
        """Return its resident memory in bytes."""
        if self._process is None:
            return 0
        pages = Path(f"/proc/{self._process.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")


class Rig:
    """Everything, started and ended together."""

    def __init__(self, folder: Path, *, servers: int = 2, environment: dict[str, str] | None = None) -> None:
        self._folder = folder
        self.postgres = EmbeddedPostgres(folder / "data")
        self._count = servers
        self._extra = environment or {}
        self.servers: list[Server] = []
        self.kills = {"server": 0, "postgres": 0, "stopped": 0}

    def __enter__(self) -> Self:
        self.superuser_url = self.postgres.start()
        self.owner_url, self.app_url = prepare_embedded(self.superuser_url)
        self.inspect_url = as_role(self.superuser_url, "postgres", "", "chatcore")
        self._upstream, upstream_port = self._start_upstream()
        environment = {
            "PATH": os.environ["PATH"],
            "DATABASE_URL": self.app_url,
            "OPENAI_BASE_URL": f"http://127.0.0.1:{upstream_port}/v1",
            "OPENAI_API_KEY": "sk-chaos",
            "CHATCORE_LLM": "openai",
            "CHATCORE_MODEL": "echo",
            "AUTH_JWT_SECRET": SECRET,
            "CHATCORE_RATE_LIMIT": "off",
            "CHATCORE_TURN_LEASE": str(LEASE_SECONDS),
            "CHATCORE_DATA_DIR": str(self._folder / "unused"),
        } | self._extra
        for number in range(self._count):
            self.servers.append(Server(self._folder / f"server-{number}.log", environment))
        for server in self.servers:
            server.start()
        for server in self.servers:
            server.wait_ready()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        del kind, error, trace
        for server in self.servers:
            server.signal(signal.SIGCONT)
            server.kill()
        self._upstream.kill()
        self._upstream.wait(10)
        self.postgres.stop()

    def break_something(self) -> None:
        """Do one of the bad things, chosen at random, and mend it at once where a supervisor would."""
        choice = random.random()
        server = random.choice(self.servers)
        if choice < 0.6:
            server.kill()
            server.start()
            self.kills["server"] += 1
        elif choice < 0.85:
            self._crash_postgres()
            self.kills["postgres"] += 1
        else:
            server.signal(signal.SIGSTOP)
            time.sleep(LEASE_SECONDS + 1)
            server.signal(signal.SIGCONT)
            self.kills["stopped"] += 1

    def _crash_postgres(self) -> None:
        folder = Path(parse_qs(urlsplit(self.superuser_url).query)["host"][0])
        pid = int((folder.parent / "data" / "postmaster.pid").read_text().splitlines()[0])
        os.kill(pid, signal.SIGQUIT if random.random() < 0.5 else signal.SIGKILL)
        until = time.monotonic() + 10
        while not self.postgres.restart_if_dead() and time.monotonic() < until:
            time.sleep(0.02)

    def _start_upstream(self) -> tuple[subprocess.Popen[str], int]:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.upstream", "--port", "0", "--gap", "0.04"],
            stdout=subprocess.PIPE,
            text=True,
        )
        if process.stdout is None:
            raise AssertionError("a pipe was asked for")
        return process, int(process.stdout.readline().split()[-1])
