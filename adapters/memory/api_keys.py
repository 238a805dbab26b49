"""API keys in memory."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from chatcore.api_key import ApiKey, ApiKeyText
from chatcore.ports.api_key_store import ApiKeyStore

_RECORDED_EVERY = timedelta(minutes=1)


class MemoryApiKeyStore(ApiKeyStore):
    """Keeps API keys until the process ends."""

    def __init__(self) -> None:
        """Begin with none."""
        self._keys: dict[tuple[str, UUID], tuple[ApiKey, bytes]] = {}

    async def add(self, key: ApiKey, text: ApiKeyText) -> None:
        """Record a new key."""
        self._keys.setdefault((key.owner, key.id), (key, text.digest))

    def erase(self, owner: str) -> bool:
        """Forget an owner's keys, and return whether there were any."""
        theirs = [place for place in self._keys if place[0] == owner]
        for place in theirs:
            del self._keys[place]
        return bool(theirs)

    async def of_owner(self, owner: str) -> Sequence[ApiKey]:
        """Return an owner's keys, oldest first."""
        keys = (key for key, _ in self._keys.values() if key.owner == owner)
        return sorted(keys, key=lambda key: (key.created_at, key.id))

    async def revoke(self, owner: str, key_id: UUID, at: datetime) -> bool:
        """Make a key open nothing any more."""
        if (owner, key_id) not in self._keys:
            return False
        key, digest = self._keys[owner, key_id]
        self._keys[owner, key_id] = replace(key, revoked_at=key.revoked_at or at), digest
        return True

    async def use(self, text: ApiKeyText, at: datetime) -> ApiKey | None:
        """Return the key with exactly this text, and record its use."""
        key, digest = self._keys.get((text.owner, text.id), (None, b""))
        if key is None or digest != text.digest:
            return None
        if key.last_used_at is None or key.last_used_at <= at - _RECORDED_EVERY:
            key = replace(key, last_used_at=at)
            self._keys[text.owner, text.id] = key, digest
        return key
