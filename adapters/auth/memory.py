"""Remembers for a while what was found out about a credential, by its SHA-256 and never by itself."""

import hashlib
from typing import Generic, TypeVar

CAPACITY = 10_000
"""How many credentials are remembered; an entry takes about 400 bytes."""

T = TypeVar("T")


class Memory(Generic[T]):
    """A bounded memory whose entries end at a given time; the oldest gives way to a new one."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        """Take how many entries are kept at most."""
        self._capacity = capacity
        self._entries: dict[bytes, tuple[T, float]] = {}

    def recall(self, credential: str, now: float) -> T | None:
        """Return what is known of a credential, or None once `now` has reached the end of its time."""
        key = _key(credential)
        entry = self._entries.get(key)
        if entry is None:
            return None
        if now >= entry[1]:
            del self._entries[key]
            return None
        return entry[0]

    def keep(self, credential: str, known: T, until: float) -> None:
        """Remember something of a credential until a time on the clock that `recall` is given."""
        if len(self._entries) >= self._capacity:
            del self._entries[next(iter(self._entries))]
        self._entries[_key(credential)] = known, until

    def clear(self) -> None:
        """Forget everything."""
        self._entries.clear()

    def __len__(self) -> int:
        """Return how many entries there are."""
        return len(self._entries)


def _key(credential: str) -> bytes:
    return hashlib.sha256(credential.encode()).digest()
