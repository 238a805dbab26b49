"""Fixtures that every test may use."""

from collections.abc import Iterator

import pytest

from tests.databases import Database, Databases, choice, databases

pytest_plugins = ["tests.upstream.fixtures"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--minutes", type=float, default=1.0, help="how long tests that take minutes take each, about"
    )


def pytest_report_header() -> str:
    return f"PostgreSQL: {choice()}"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def database_server() -> Iterator[Databases]:
    """A server of this process's own, so that pytest-xdist's workers do not meet."""
    with databases() as made:
        yield made


@pytest.fixture
def database(database_server: Databases) -> Iterator[Database]:
    """A migrated database that nobody has written to."""
    with database_server.fresh() as made:
        yield made


@pytest.fixture
def another_database(database_server: Databases) -> Iterator[Database]:
    """A second migrated database that nobody has written to."""
    with database_server.fresh() as made:
        yield made


@pytest.fixture
def bare_database(database_server: Databases) -> Iterator[Database]:
    """A database without a schema, which its owner may migrate."""
    with database_server.fresh(migrated=False) as made:
        yield made
