"""The adapters that every contract is held against."""

from collections.abc import AsyncIterator

import pytest

from tests.contract.stores import MemoryStores, Stores, postgres_stores
from tests.databases import Database


@pytest.fixture(params=["memory", "postgres"])
async def stores(request: pytest.FixtureRequest) -> AsyncIterator[Stores]:
    if request.param == "memory":
        yield MemoryStores()
        return
    database: Database = request.getfixturevalue("database")
    async with postgres_stores(database.app_url, database.superuser_url) as made:
        yield made
