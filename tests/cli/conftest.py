"""Runs commands in this process, with an environment of the test's own."""

import os
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from entrypoints.cli import main
from tests.databases import Database

Run = Callable[..., Result]


@contextmanager
def environment(**variables: str) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update({"PATH": before["PATH"], "HOME": before.get("HOME", "/")} | variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs a command with nothing in its environment but what is named."""

    def command(*arguments: str, given: str | bytes | None = None, **variables: str) -> Result:
        with environment(**({"CHATCORE_DATA_DIR": str(tmp_path / "data")} | variables)):
            return CliRunner().invoke(main, arguments, input=given)

    return command


@pytest.fixture
def urls(database: Database) -> dict[str, str]:
    """The variables that name a migrated database."""
    return {
        "DATABASE_URL": database.app_url,
        "DATABASE_URL_UNPOOLED": database.owner_url,
        "DATABASE_URL_BACKUP": database.superuser_url,
    }


@pytest.fixture
def serve_bytes() -> Iterator[Callable[[bytes], str]]:
    """Answers whatever it is asked with the same bytes, and returns its address."""
    with ExitStack() as stack:

        def serve(answer: bytes) -> str:
            class Handler(socketserver.StreamRequestHandler):
                def handle(self) -> None:
                    while self.rfile.readline().strip():
                        pass
                    self.wfile.write(answer)

            server = stack.enter_context(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler))
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
            thread.start()
            stack.callback(thread.join)
            stack.callback(server.shutdown)
            return f"http://127.0.0.1:{server.server_address[1]}"

        yield serve
