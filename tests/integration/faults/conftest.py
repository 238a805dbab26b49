"""A database, and a proxy on the way to it."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.databases import Database
from tests.integration.faults.controlled import Controlled, controlled
from tests.integration.faults.proxy import Proxy


@pytest.fixture
async def proxy(database: Database) -> AsyncIterator[Proxy]:
    """The way of the serving role to a migrated database of this test's own."""
    async with Proxy(database.app_url) as made:
        yield made


@pytest.fixture(scope="package")
def server() -> Iterator[Controlled]:
    """A server that tests may stop, and start again before they end."""
    with controlled() as made:
        yield made


@pytest.fixture
def minutes(request: pytest.FixtureRequest) -> float:
    """For how long a test may run that is too long for every day."""
    return float(request.config.getoption("--minutes"))
