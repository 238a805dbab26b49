"""Short directories for servers, and one server for all tests that only look at it."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.embedded import EmbeddedPostgres
from tests.integration.embedded.holder import new_directory, remove


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """Give a new directory."""
    directory = new_directory()
    yield directory
    remove(directory)


@pytest.fixture(scope="package")
def template() -> Iterator[Path]:
    """Give a directory with a cluster that never ran, to copy from: initdb takes half a second."""
    directory = new_directory()
    with EmbeddedPostgres(directory, durable=False):
        pass
    yield directory
    remove(directory)


@pytest.fixture
def made(data_dir: Path, template: Path) -> Path:
    """Give a directory with a cluster that was shut down."""
    subprocess.run(["cp", "-a", template / "postgres", data_dir], check=True)
    return data_dir


@pytest.fixture(scope="package")
def shared(template: Path) -> Iterator[tuple[Path, str]]:
    """Give a running server's directory and URL; tests may only look."""
    directory = new_directory()
    subprocess.run(["cp", "-a", template / "postgres", directory], check=True)
    with EmbeddedPostgres(directory, durable=False) as server:
        yield directory, server.start()
    remove(directory)
