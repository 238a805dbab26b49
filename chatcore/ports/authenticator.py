"""The port that tells who is calling."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from chatcore.principal import Principal


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What a request brings to say who it is from. Each is repeated in the tuple as often as it was sent."""

    authorization: tuple[str, ...] = ()
    cookies: Mapping[str, str]
    origin: str | None = None


class Authenticator(Protocol):
    """Tells who is calling."""

    @abstractmethod
    async def authenticate(self, credentials: Credentials) -> Principal:
        """Return who is calling.

        Raises:
            Unauthenticated: there are no credentials, or they are not valid, or not any more.
            Forbidden: they are valid but may not be used from where they come.
            DatabaseUnavailable: it could not be found out.
            Overloaded: too many others wait for that.
        """
