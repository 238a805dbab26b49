"""The audit trail: who writes it while requests are served, and who reads and prunes it by hand."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import structlog

from adapters.postgres.audit_log import PostgresAuditLog
from adapters.postgres.audit_pruning import PruningRefused, prune
from adapters.postgres.database import Database
from chatcore.audit import AuditEntry
from chatcore.conversation import Page
from chatcore.ports.audit_log import AuditLog
from chatcore.trail import Loss, Trail
from entrypoints.metrics import Metrics
from entrypoints.settings import Settings, Switch
from entrypoints.wiring.storage import Storage, StorageUnusable


def trail(settings: Settings, log: AuditLog, metrics: Metrics) -> Trail | None:
    """Return what gathers entries, closed; None where no rows are wanted."""
    if settings.audit is Switch.OFF:
        return None
    lines = structlog.get_logger()

    def lost(why: Loss, count: int, bug: Exception | None) -> None:
        metrics.audit_dropped(why, count)
        # Where there is no room one entry after another is lost, each of which has its own line already.
        if why is not Loss.FULL:
            lines.error("audit entries lost", why=why, count=count, exc_info=bug)

    return Trail(log=log, lost=lost)


def entries(place: Storage, owner: str, limit: int, before: UUID | None) -> Page[AuditEntry]:
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


async def _read(url: str, owner: str, limit: int, before: UUID | None) -> Page[AuditEntry]:
    database = Database(url, max_size=1, prepare=False)
    await database.open()
    try:
        return await PostgresAuditLog(database).read(owner, limit=limit, before=before)
    finally:
        await database.close()
