"""A database, and a proxy on the way to it."""

from collections.abc import AsyncIterator

import pytest

from tests.databases import Database
from tests.integration.faults.proxy import Proxy


@pytest.fixture
async def proxy(database: Database) -> AsyncIterator[Proxy]:
    """The way of the serving role to a migrated database of this test's own."""
    async with Proxy(database.app_url) as made:
        yield made


@pytest.fixture
def minutes(request: pytest.FixtureRequest) -> float:
    """For how long a test may run that is too long for every day."""
    given = request.config.getoption("--chaos-minutes", default=None)
    if not given:
        pytest.skip("takes minutes: make chaos runs it")
    return float(given)
