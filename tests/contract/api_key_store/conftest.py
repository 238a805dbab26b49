"""Every place where API keys are kept, one after another."""

from collections.abc import AsyncIterator

import pytest

from adapters.memory.api_keys import MemoryApiKeyStore
from adapters.postgres.api_keys import PostgresApiKeyStore
from adapters.postgres.database import Database
from chatcore.ports.api_key_store import ApiKeyStore


@pytest.fixture(params=["memory", "postgres"])
async def store(request: pytest.FixtureRequest, anyio_backend: str) -> AsyncIterator[ApiKeyStore]:
    del anyio_backend
    if request.param == "memory":
        yield MemoryApiKeyStore()
        return
    database = Database(request.getfixturevalue("database").app_url, max_size=2)
    await database.open()
    try:
        yield PostgresApiKeyStore(database)
    finally:
        await database.close()
