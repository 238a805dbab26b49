"""The audit log for whoever runs this installation: read and pruned."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

from adapters.postgres.audit_log import PostgresAuditLog
from adapters.postgres.audit_pruning import PruningRefused, prune
from chatcore.audit import AuditEntry
from chatcore.conversation import Page
from entrypoints.wiring.databases import for_a_command
from entrypoints.wiring.storage import Storage, StorageUnusable


def entries(place: Storage, owner: str, limit: int, before: str | None) -> Page[AuditEntry]:
    """Return what an owner did, newest first.

    Raises:
        DatabaseUnavailable: the database cannot be reached.
    """
    return asyncio.run(_read(place.app_url, owner, limit, before))


def pruned(place: Storage, age: timedelta, progress: Callable[[int], None]) -> int:
    """Delete the entries that are older than that, and return how many there were.

    Raises:
        DatabaseUnavailable: the database cannot be reached; some may be deleted.
        StorageUnusable: the role may not do that.
    """
    try:
        return prune(place.owner_url, age, progress)
    except PruningRefused as error:
        raise StorageUnusable(
            f"{error}; DATABASE_URL_UNPOOLED has to name the role that owns the schema."
        ) from error


async def _read(url: str, owner: str, limit: int, before: str | None) -> Page[AuditEntry]:
    async with for_a_command(url) as database:
        return await PostgresAuditLog(database).read(owner, limit=limit, before=before)
