"""A database to break things in."""

from collections.abc import Iterator

import pytest

from tests.databases import Database, Databases


@pytest.fixture(scope="module")
def workshop(database_server: Databases) -> Iterator[Database]:
    """A database whose functions may be broken, and are mended afterwards."""
    with database_server.fresh() as made:
        yield made
