"""The adapters that every contract of the stores is held against."""

from collections.abc import AsyncIterator, Iterator

import psycopg
import pytest

from tests.contract.stores import MemoryStores, Stores, postgres_stores
from tests.databases import Database, Databases
from tests.pgbouncer import pgbouncer


@pytest.fixture(scope="session")
def emptied_database(database_server: Databases) -> Iterator[Database]:
    """One database for all these tests, which each test finds empty: that costs a tenth of a fresh one."""
    with database_server.fresh() as made:
        yield made


@pytest.fixture(scope="session")
def pooled_url(emptied_database: Database) -> Iterator[str]:
    """The same database by way of PgBouncer, where that is installed."""
    with pgbouncer(emptied_database.app_url) as url:
        yield url


@pytest.fixture(params=["memory", "postgres", "postgres behind pgbouncer"])
async def stores(request: pytest.FixtureRequest) -> AsyncIterator[Stores]:
    if request.param == "memory":
        yield MemoryStores()
        return
    database: Database = request.getfixturevalue("emptied_database")
    with psycopg.connect(database.superuser_url, autocommit=True) as connection:
        # Everything hangs on its user, but for the rates.
        connection.execute("DELETE FROM chatcore.app_user")
        connection.execute("DELETE FROM chatcore.rate_bucket")
    pooled = request.param != "postgres"
    url: str = request.getfixturevalue("pooled_url") if pooled else database.app_url
    async with postgres_stores(url, database.superuser_url, prepare=not pooled) as made:
        yield made
