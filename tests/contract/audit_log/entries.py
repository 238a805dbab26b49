"""Entries as tests make them."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from uuid_utils.compat import uuid7

from chatcore.audit import AuditEntry


def entry(owner: str = "alice", *, age: timedelta = timedelta(), **changed: object) -> AuditEntry:
    """Return an entry of an owner, so old, whose other parts are as they are named."""
    at = datetime.now(UTC) - age
    made = AuditEntry(
        id=_id(at),
        at=at,
        owner=owner,
        method="hs256",
        action="GET /api/{user_id}/conversations",
        status=200,
        request_id="r-1",
        resource={"user_id": owner},
        address="192.0.2.1",
    )
    return made._replace(**changed)  # type: ignore[arg-type]  # tests name fields that are there


def _id(at: datetime) -> str:
    """Return a new id as it would have been made then."""
    rest = uuid7().int % (1 << 80)
    return str(UUID(int=(int(at.timestamp() * 1000) << 80) + rest))
