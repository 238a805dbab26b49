"""Runs commands in this process, with an environment of the test's own."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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
