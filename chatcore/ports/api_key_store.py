"""The port that keeps API keys."""

from abc import abstractmethod
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from chatcore.api_key import ApiKey, ApiKeyText


class ApiKeyStore(Protocol):
    """Keeps API keys, each under its owner and with no more of its text than a digest.

    Every method raises DatabaseUnavailable where the keys cannot be reached.
    """

    @abstractmethod
    async def add(self, key: ApiKey, text: ApiKeyText) -> None:
        """Record a new key; one of the same id that the owner has already is left as it is."""

    @abstractmethod
    async def of_owner(self, owner: str) -> Sequence[ApiKey]:
        """Return an owner's keys, oldest first, the revoked and expired ones too."""

    @abstractmethod
    async def revoke(self, owner: str, key_id: UUID, at: datetime) -> bool:
        """Make a key open nothing any more, and return whether there is such a key; once is for ever."""

    @abstractmethod
    async def use(self, text: ApiKeyText, at: datetime) -> ApiKey | None:
        """Return the key with exactly this text, valid or not, and record its use; None if there is none.

        A use within a minute of the one recorded last is not recorded.
        """
