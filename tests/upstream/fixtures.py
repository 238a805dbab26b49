"""The upstream as a process for tests: `pytest_plugins = ["tests.upstream.fixtures"]`."""

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class RunningUpstream:
    """Where the upstream is, and what it tells about itself."""

    port: int

    @property
    def url(self) -> str:
        """What a client takes as its base URL."""
        return f"http://127.0.0.1:{self.port}/v1"

    def stats(self) -> dict[str, int]:
        return dict(self._ask("stats"))

    def last(self) -> dict[str, Any]:
        """The body of the last call."""
        return dict(self._ask("last"))

    def reset(self) -> None:
        self._ask("reset", b"")

    def _ask(self, path: str, body: bytes | None = None) -> Any:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/{path}", body, timeout=10) as answer:
            return json.load(answer)


@pytest.fixture(scope="session")
def upstream() -> Iterator[RunningUpstream]:
    command = [sys.executable, "-m", "tests.upstream", "--port", "0"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield RunningUpstream(int(process.stdout.readline()))
        process.terminate()
