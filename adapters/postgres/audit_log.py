"""The audit log in PostgreSQL."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import cast
from uuid import UUID

import msgspec

from adapters.postgres.database import Database
from adapters.postgres.schema_source import statement
from adapters.postgres.wire import Row
from chatcore.audit import AuditEntry
from chatcore.conversation import Page
from chatcore.ports.audit_log import AuditLog

_encode = msgspec.json.Encoder().encode
_NUL = b"\\u0000"

_Facts = tuple[UUID, datetime, str, str, int, str, Mapping[str, str], str | None, str | None]


class PostgresAuditLog(AuditLog):
    """Keeps what was done in PostgreSQL, a batch in one statement."""

    def __init__(self, database: Database) -> None:
        """Take an opened database, or one that will be open before the first call."""
        self._database = database
        self._record = statement("audit/record")
        self._read = statement("audit/read")

    async def record(self, entries: Sequence[AuditEntry]) -> None:
        """Keep entries; see the port."""
        await self._database.call(self._record, _encoded(entries).decode())

    async def read(self, owner: str, *, limit: int, before: str | None) -> Page[AuditEntry]:
        """Return an owner's entries, newest first; see the port."""
        rows = await self._database.call_for(owner, self._read, before, limit + 1)
        page = tuple(_entry(owner, row) for row in rows[:limit])
        return Page(entries=page, next_key=page[-1].id if len(rows) > limit else None)


def _encoded(entries: Sequence[AuditEntry]) -> bytes:
    """Return entries as arrays, in JSON that `jsonb` takes: it refuses NUL, and UTF-8 has no lone surrogates."""
    try:
        encoded = _encode(entries)
    except UnicodeEncodeError:
        encoded = _NUL
    if _NUL in encoded:
        encoded = _encode([entry.mended() for entry in entries])
    return encoded


def _entry(owner: str, row: Row) -> AuditEntry:
    id_, at, method, action, status, request_id, resource, problem, address = cast("_Facts", row)
    return AuditEntry(
        id=str(id_),
        at=at,
        owner=owner,
        method=method,
        action=action,
        status=status,
        request_id=request_id,
        resource=resource,
        problem=problem,
        address=address,
    )
