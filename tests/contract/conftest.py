"""The adapters that every contract of the stores is held against."""

from collections.abc import AsyncIterator, Iterator

import psycopg
import pytest

from tests.contract.stores import MemoryStores, Stores, postgres_stores
from tests.databases import Database, Databases


@pytest.fixture(scope="session")
def emptied_database(database_server: Databases) -> Iterator[Database]:
    """One database for all these tests, which each test finds empty: that costs a tenth of a fresh one."""
    with database_server.fresh() as made:
        yield made


@pytest.fixture(params=["memory", "postgres"])
async def stores(request: pytest.FixtureRequest) -> AsyncIterator[Stores]:
    if request.param == "memory":
        yield MemoryStores()
        return
    database: Database = request.getfixturevalue("emptied_database")
    with psycopg.connect(database.superuser_url, autocommit=True) as connection:
        # Everything hangs on its user.
        connection.execute("DELETE FROM chatcore.app_user")
    async with postgres_stores(database.app_url, database.superuser_url) as made:
        yield made
