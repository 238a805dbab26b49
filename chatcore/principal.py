"""Who is calling."""

from dataclasses import dataclass
from enum import StrEnum

from chatcore.errors import Forbidden, InvalidRequest

LONGEST_USER_ID = 255


class Scope(StrEnum):
    """What a caller may do with its own data; whoever signed in may do everything, a key what it is for."""

    READ = "read"
    WRITE = "write"
    ERASE = "erase"
    """To forget everything of the user, for ever."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """An authenticated caller, and how it was authenticated.

    Raises:
        InvalidRequest: no user can have this id.
    """

    user_id: str
    method: str
    scopes: frozenset[Scope] = frozenset(Scope)

    def __post_init__(self) -> None:
        """Refuse an id that no user can have."""
        checked_user_id(self.user_id)

    def owner_as(self, user_id: str, scope: Scope = Scope.WRITE) -> str:
        """Return the owner whose data this caller may use under `user_id`, to read or to change it.

        Raises:
            Forbidden: it is somebody else's, or the caller's key is not for that.
        """
        if user_id != self.user_id:
            raise Forbidden
        if scope not in self.scopes:
            raise Forbidden(f"the key is not for {scope}")
        return self.user_id


def checked_user_id(user_id: str) -> str:
    """Return a user id unchanged.

    Raises:
        InvalidRequest: it is empty, longer than 255 characters, does not begin with a letter or digit, or
            holds white space, control characters or a slash.
    """
    sane = 0 < len(user_id) <= LONGEST_USER_ID and user_id[0].isalnum()
    if not (sane and user_id.isprintable() and " " not in user_id and "/" not in user_id):
        raise InvalidRequest.of("user_id", "must begin with a letter or digit and hold no white space")
    return user_id
