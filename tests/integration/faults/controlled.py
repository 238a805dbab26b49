"""A PostgreSQL of the tests' own, stopped, crashed and started again while their event loop goes on.

Run as a program it owns the server and obeys its standard input: the server can be started from a main
thread only, and that of the tests is busy.
"""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from adapters.embedded import EmbeddedPostgres
from adapters.postgres.provision import as_role, prepare_embedded
from tests.integration.embedded.holder import new_directory, remove

_PROJECT = Path(__file__).parents[3]


class Controlled:
    """A durable, migrated server under our thumb; it runs whenever a test begins."""

    def __init__(self, folder: Path, program: "subprocess.Popen[str]") -> None:
        self._folder = folder
        self._program = program
        superuser_url = self._told("start")
        self.owner_url, self.app_url = prepare_embedded(superuser_url)
        self.superuser_url = as_role(superuser_url, "postgres", "", "chatcore")

    async def start(self) -> None:
        """Start the server if it does not run, and return when it accepts connections."""
        await asyncio.to_thread(self._told, "start")

    async def stop(self) -> None:
        """Stop the server in good order, all sessions ended."""
        await asyncio.to_thread(self._told, "stop")

    async def crash(self) -> None:
        """Stop the server at once, as `pg_ctl stop -m immediate` does; it has to recover at its next start."""
        self.signal(signal.SIGQUIT)
        await self.stop()

    def signal(self, number: signal.Signals) -> None:
        """Signal the postmaster: SIGTERM is a shutdown that waits for the sessions, and lets no new ones in."""
        lines = (self._folder / "postgres/data/postmaster.pid").read_text().splitlines()
        os.kill(int(lines[0]), number)

    def _told(self, order: str) -> str:
        if self._program.stdin is None or self._program.stdout is None:
            raise AssertionError("pipes were asked for")
        self._program.stdin.write(f"{order}\n")
        self._program.stdin.flush()
        return self._program.stdout.readline().strip()


@contextmanager
def controlled() -> Iterator[Controlled]:
    """Yield a running server that nobody else uses."""
    folder = new_directory()
    command = [sys.executable, "-m", __name__, str(folder)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd=_PROJECT) as program:
        try:
            yield Controlled(folder, program)
        finally:
            # The end of its input ends it, and the server with it.
            program.communicate()
            remove(folder)


def main() -> None:
    """Obey until the input ends."""
    with EmbeddedPostgres(Path(sys.argv[1])) as server:
        url = server.start()
        for order in sys.stdin:
            match order.strip():
                case "start":
                    server.start()
                case "stop":
                    server.stop()
            sys.stdout.write(f"{url}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
