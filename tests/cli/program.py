"""The installed program as a process of its own."""

import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx

PROGRAM = str(Path(sys.executable).with_name("chatcore"))
PATIENCE = 30.0


class Program:
    """A `chatcore serve` that runs."""

    def __init__(self, port: int, variables: Mapping[str, str], directory: Path) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.out, self.err = directory / "out", directory / "err"
        environ = {"PATH": "/usr/bin:/bin", "HOME": str(directory), "PORT": str(port)} | dict(variables)
        with self.out.open("ab") as out, self.err.open("ab") as err:
            self.process = subprocess.Popen(
                [PROGRAM, "serve"], env=environ, cwd=directory, stdout=out, stderr=err
            )

    def ready(self) -> "Program":
        """Wait until requests can be served."""
        deadline = time.monotonic() + PATIENCE
        while self.status("/health/ready") != 200:
            assert self.process.poll() is None, self.written()
            assert time.monotonic() < deadline, self.written()
            time.sleep(0.02)
        return self

    def status(self, path: str) -> int:
        """Return the status of a GET, 0 where there is no server."""
        try:
            return httpx.get(self.url + path, timeout=5).status_code
        except httpx.TransportError:
            return 0

    def stop(self, signal: int) -> tuple[int, float]:
        """Send a signal, and return the exit code and after how many seconds it came."""
        began = time.monotonic()
        self.process.send_signal(signal)
        return self.process.wait(PATIENCE), time.monotonic() - began

    def written(self) -> str:
        """Return everything that was written so far."""
        return self.out.read_text() + self.err.read_text()


@contextmanager
def program(port: int, variables: Mapping[str, str], directory: Path) -> Iterator[Program]:
    """Yield a program that is gone afterwards."""
    running = Program(port, variables, directory)
    try:
        yield running
    finally:
        if running.process.poll() is None:
            running.process.kill()
            running.process.wait()
