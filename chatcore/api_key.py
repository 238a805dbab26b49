"""API keys: long-lived credentials that a user gives to a program, each for what it names:
reading, writing, erasing its user.

A key reads `ck_<id>_<secret>`. The id names the key and its owner, since whatever is stored is found under
its owner; the secret is 32 random bytes. Only the SHA-256 of the whole text is stored: with so much
chance in it nothing slower is needed, and a stolen database opens nothing.
"""

import hashlib
import re
from base64 import b32decode, b32encode, urlsafe_b64encode
from binascii import Error
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from chatcore.errors import InvalidRequest
from chatcore.principal import Scope, checked_user_id
from chatcore.text import checked

PREFIX = "ck_"
LONGEST_NAME = 100
_TEXT = re.compile(PREFIX + r"([0-9a-f]{32})([a-z2-7]+)_[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """What is recorded of a key; its text is not."""

    owner: str
    id: UUID
    name: str
    scopes: frozenset[Scope]
    created_at: datetime
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None

    def __post_init__(self) -> None:
        """Refuse a key that says nothing, is for nothing, or is nobody's."""
        checked("name", self.name, longest=LONGEST_NAME)
        checked_user_id(self.owner)
        if not self.scopes:
            raise InvalidRequest.of("scopes", "must not be empty")

    def valid_at(self, now: datetime) -> bool:
        """Whether the key opens anything at a time."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKeyText:
    """A key's whole text, as its user has it, and which key it says to be."""

    owner: str
    id: UUID
    text: str = field(repr=False)

    @classmethod
    def fresh(cls, owner: str, key_id: UUID, entropy: bytes) -> "ApiKeyText":
        """Return the text of a new key, made with 32 random bytes.

        Raises:
            InvalidRequest: no user can have this id.
        """
        whose = b32encode(checked_user_id(owner).encode()).decode().rstrip("=").lower()
        secret = urlsafe_b64encode(entropy).decode().rstrip("=")
        return cls(owner=owner, id=key_id, text=f"{PREFIX}{key_id.hex}{whose}_{secret}")

    @classmethod
    def parse(cls, text: str) -> "ApiKeyText | None":
        """Return what a text says to be, or None where no key can read so."""
        match = _TEXT.fullmatch(text)
        if match is None:
            return None
        try:
            owner = b32decode(match[2].upper() + "=" * (-len(match[2]) % 8)).decode()
            return cls(owner=checked_user_id(owner), id=UUID(match[1]), text=text)
        except (Error, UnicodeDecodeError, InvalidRequest):
            return None

    @property
    def digest(self) -> bytes:
        """What is stored of the text."""
        return hashlib.sha256(self.text.encode()).digest()
