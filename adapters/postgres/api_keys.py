"""API keys in PostgreSQL."""

from collections.abc import Sequence
from datetime import datetime
from typing import cast
from uuid import UUID

from adapters.postgres.database import Database
from adapters.postgres.schema_source import statement
from adapters.postgres.wire import Row
from chatcore.api_key import ApiKey, ApiKeyText
from chatcore.ports.api_key_store import ApiKeyStore
from chatcore.principal import Scope

_Facts = tuple[UUID, str, list[str], datetime, datetime | None, datetime | None, datetime | None]


class PostgresApiKeyStore(ApiKeyStore):
    """Keeps API keys in PostgreSQL."""

    def __init__(self, database: Database) -> None:
        """Take an opened database, or one that will be open before the first call."""
        self._database = database
        self._add = statement("api_keys/add")
        self._list = statement("api_keys/list")
        self._revoke = statement("api_keys/revoke")
        self._use = statement("api_keys/use")

    async def add(self, key: ApiKey, text: ApiKeyText) -> None:
        """Record a new key; see the port."""
        scopes = "{" + ",".join(sorted(key.scopes)) + "}"
        expires_at = None if key.expires_at is None else key.expires_at.isoformat()
        created_at = key.created_at.isoformat()
        await self._database.call_for(
            key.owner, self._add, key.id, key.name, scopes, text.digest, created_at, expires_at
        )

    async def of_owner(self, owner: str) -> Sequence[ApiKey]:
        """Return an owner's keys, oldest first; see the port."""
        return [_key(owner, row) for row in await self._database.call_for(owner, self._list)]

    async def revoke(self, owner: str, key_id: UUID, at: datetime) -> bool:
        """Make a key open nothing any more; see the port."""
        ((found,),) = await self._database.call_for(owner, self._revoke, key_id, at.isoformat())
        return bool(found)

    async def use(self, text: ApiKeyText, at: datetime) -> ApiKey | None:
        """Return the key with exactly this text, and record its use; see the port."""
        rows = await self._database.call(self._use, text.owner, text.id, text.digest, at.isoformat())
        return _key(text.owner, rows[0]) if rows else None


def _key(owner: str, row: Row) -> ApiKey:
    id_, name, scopes, created_at, expires_at, last_used_at, revoked_at = cast("_Facts", row)
    return ApiKey(
        owner=owner,
        id=id_,
        name=name,
        scopes=frozenset(map(Scope, scopes)),
        created_at=created_at,
        expires_at=expires_at,
        last_used_at=last_used_at,
        revoked_at=revoked_at,
    )
