"""Every place where audit entries are kept, one after another."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import psycopg
import pytest

from adapters.memory.accounts import MemoryAccountStore
from adapters.memory.api_keys import MemoryApiKeyStore
from adapters.memory.audit_log import MemoryAuditLog
from adapters.memory.state import MemoryState
from adapters.postgres.accounts import PostgresAccountStore
from adapters.postgres.audit_log import PostgresAuditLog
from adapters.postgres.database import Database
from chatcore.ports.account_store import AccountStore
from chatcore.ports.audit_log import AuditLog
from tests import databases


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """An audit log, the users whose entries are in it, and whether one of them is known at all."""

    log: AuditLog
    accounts: AccountStore
    knows: Callable[[str], Awaitable[bool]]


@pytest.fixture(params=["memory", "postgres"])
async def kept(request: pytest.FixtureRequest, anyio_backend: str) -> AsyncIterator[Kept]:
    del anyio_backend
    if request.param == "memory":
        yield in_memory()
        return
    made: databases.Database = request.getfixturevalue("database")
    database = Database(made.app_url, max_size=4)
    await database.open()
    try:
        yield in_postgres(database, made.superuser_url)
    finally:
        await database.close()


def in_memory() -> Kept:
    state = MemoryState(lambda: datetime.now(UTC))

    async def knows(owner: str) -> bool:
        return state.knows(owner)

    accounts = MemoryAccountStore(state, MemoryApiKeyStore())
    return Kept(log=MemoryAuditLog(state), accounts=accounts, knows=knows)


def in_postgres(database: Database, superuser_url: str) -> Kept:
    async def knows(owner: str) -> bool:
        async with await psycopg.AsyncConnection.connect(superuser_url) as superuser:
            found = await superuser.execute("SELECT FROM chatcore.app_user WHERE owner = %s", (owner,))
            return found.rowcount == 1

    return Kept(log=PostgresAuditLog(database), accounts=PostgresAccountStore(database), knows=knows)
