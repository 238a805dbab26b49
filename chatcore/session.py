"""Anonymous textbook sessions: the id is a secret of 32 random bytes and the only key to its conversation.

The database knows a session only by the SHA-256 of its id, so a stolen database opens none. Owners made
here begin with `~`, which no user id may, so a session and a user can never be mistaken for each other.
"""

import hashlib
import re
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from uuid import UUID

_SESSION_ID = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True)
class Session:
    """A session by its id; make one with `Session.parse`, `Session.fresh` or `Session.of_key`."""

    id: str

    @classmethod
    def parse(cls, text: str) -> "Session | None":
        """Return the session that a client names, or None where no session can have such an id."""
        return cls(text) if _SESSION_ID.fullmatch(text) else None

    @classmethod
    def fresh(cls, entropy: bytes) -> "Session":
        """Return a new session from 32 random bytes."""
        return cls(_encoded(entropy))

    @classmethod
    def of_key(cls, idempotency_key: str) -> "Session":
        """Return the session that a first request with this key opens, the same one on every retry.

        The key thereby becomes the secret that opens the session: clients should send a random UUID.
        """
        return cls(_encoded(_digest(b"session of key", idempotency_key)))

    @property
    def owner(self) -> str:
        """The name under which the database knows whose words these are."""
        return "~" + _encoded(_digest(b"owner of session", self.id))

    @property
    def conversation_id(self) -> UUID:
        """The id of the session's one conversation."""
        return _uuid8(_digest(b"conversation of session", self.id))


def _digest(purpose: bytes, text: str) -> bytes:
    return hashlib.sha256(purpose + b"\x00" + text.encode()).digest()


def _encoded(value: bytes) -> str:
    return urlsafe_b64encode(value).rstrip(b"=").decode()


def _uuid8(digest: bytes) -> UUID:
    """Return the first 122 bits of a digest as a UUID of version 8 (RFC 9562, section 5.8)."""
    value = bytearray(digest[:16])
    value[6] = value[6] & 0x0F | 0x80
    value[8] = value[8] & 0x3F | 0x80
    return UUID(bytes=bytes(value))
