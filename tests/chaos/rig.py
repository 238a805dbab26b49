"""The machine under test: servers, one PostgreSQL, one upstream, and the ways to break them."""

import os
import random
import signal
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, urlsplit

from adapters.embedded import EmbeddedPostgres
from adapters.postgres.provision import as_role, prepare_embedded
from tests.chaos.processes import Server, Upstream
from tests.chaos.talking import SECRET

LEASE_SECONDS = 3


class Rig:
    """Everything, started and ended together. Only the main thread may enter it."""

    def __init__(
        self,
        folder: Path,
        *,
        servers: int = 2,
        gap: float = 0.04,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._folder = folder
        self._gap = gap
        self._size = servers
        self._extra = environment or {}
        self._stack = ExitStack()
        self.postgres = EmbeddedPostgres(folder / "data")
        self.servers: list[Server] = []
        self.kills: dict[str, int] = {}

    def __enter__(self) -> Self:
        with self._stack:
            self._stack.callback(self.postgres.stop)
            self.superuser_url = self.postgres.start()
            self.owner_url, self.app_url = prepare_embedded(self.superuser_url)
            self.inspect_url = as_role(self.superuser_url, "postgres", "", "chatcore")
            self.upstream = Upstream(self._folder, gap=self._gap)
            self._stack.callback(self.upstream.kill)
            for _ in range(self._size):
                self.serve()
            for server in self.servers:
                server.wait_ready()
            self._stack = self._stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def serve(self, **changes: str) -> Server:
        """Start another server, which may not be ready yet; it is killed in the end."""
        log = self._folder / f"server-{len(self.servers)}.log"
        server = Server(log, {**self._environment(), **changes})
        server.start()
        self._stack.callback(server.kill)
        self.servers.append(server)
        return server

    def freeze_postgres(self, *, frozen: bool) -> None:
        """Stop every process of PostgreSQL in its tracks, or let them go on."""
        postmaster = self._postmaster()
        children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
        for pid in [postmaster, *map(int, children)]:
            os.kill(pid, signal.SIGSTOP if frozen else signal.SIGCONT)

    def break_something(self) -> None:
        """Do one of the bad things, chosen at random, and mend it at once where a supervisor would."""
        ways: list[tuple[Callable[[], None], float]] = [
            (self.kill_server, 4),
            (self.drain_server, 2),
            (self.crash_postgres, 2),
            (self.stop_server, 1),
        ]
        (way,) = random.choices([way for way, _ in ways], [weight for _, weight in ways])
        way()
        self._count_one(way.__name__)

    def tend(self) -> None:
        """Start again what ended by itself, as a supervisor would: a server ends where its database is away."""
        if self.postgres.restart_if_dead():
            self._count_one("postgres ended by itself")
        for server in self.servers:
            if not server.running:
                server.start()
                self._count_one("server ended by itself")

    def kill_server(self) -> None:
        server = random.choice(self.servers)
        server.kill()
        server.start()

    def drain_server(self) -> None:
        server = random.choice(self.servers)
        server.stop()
        server.start()

    def stop_server(self) -> None:
        """Hold a server until it has lost its leases, and let it go on as if nothing had happened."""
        server = random.choice(self.servers)
        server.send(signal.SIGSTOP)
        time.sleep(LEASE_SECONDS + 1)
        server.send(signal.SIGCONT)

    def crash_postgres(self) -> None:
        os.kill(self._postmaster(), signal.SIGQUIT if random.random() < 0.5 else signal.SIGKILL)
        until = time.monotonic() + 10
        while not self.postgres.restart_if_dead() and time.monotonic() < until:
            time.sleep(0.02)

    def _count_one(self, name: str) -> None:
        self.kills[name] = self.kills.get(name, 0) + 1

    def _postmaster(self) -> int:
        folder = Path(parse_qs(urlsplit(self.superuser_url).query)["host"][0])
        return int((folder.parent / "data" / "postmaster.pid").read_text().splitlines()[0])

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "CHATCORE_ENV": "production",
            "DATABASE_URL": self.app_url,
            "OPENAI_BASE_URL": self.upstream.url,
            "OPENAI_API_KEY": "sk-chaos",
            "CHATCORE_LLM": "openai",
            "CHATCORE_MODEL": "echo",
            "AUTH_JWT_SECRET": SECRET,
            "CHATCORE_RATE_LIMIT": "off",
            "CHATCORE_TURN_LEASE": str(LEASE_SECONDS),
            "CHATCORE_DATA_DIR": str(self._folder / "unused"),
            **self._extra,
        }


@contextmanager
def rig(*, servers: int = 2, gap: float = 0.04, **environment: str) -> Iterator[Rig]:
    """Yield a running rig in a directory of its own, whose name is short: a socket's path has 107 bytes."""
    with (
        tempfile.TemporaryDirectory(prefix="chat-", ignore_cleanup_errors=True) as folder,
        Rig(Path(folder), servers=servers, gap=gap, environment=environment) as running,
    ):
        yield running
