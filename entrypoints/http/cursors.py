"""Cursors: the key after which a page begins, wrapped so that clients take it for what it is, opaque."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from uuid import UUID

from chatcore.errors import InvalidRequest

_LONGEST = 128
_POSITION = re.compile(r"[0-9]{1,18}", re.ASCII)


def cursor_of(key: str | None) -> str | None:
    """Return the cursor that leads to the page after a key, URL-safe as it stands; None at the end."""
    return None if key is None else urlsafe_b64encode(key.encode()).rstrip(b"=").decode()


def conversation_before(cursor: str | None) -> UUID | None:
    """Return the conversation after which a listing goes on.

    Raises:
        InvalidRequest: no listing gave this cursor.
    """
    if cursor is None:
        return None
    try:
        return UUID(_key(cursor))
    except ValueError:
        raise _not_ours() from None


def position_before(cursor: str | None) -> int | None:
    """Return the position before which a conversation's older messages are.

    Raises:
        InvalidRequest: no listing gave this cursor.
    """
    if cursor is None:
        return None
    key = _key(cursor)
    if not _POSITION.fullmatch(key):
        raise _not_ours()
    return int(key)


def _key(cursor: str) -> str:
    try:
        key = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
    except ValueError:
        raise _not_ours() from None
    if len(cursor) > _LONGEST or cursor_of(key) != cursor:
        raise _not_ours()
    return key


def _not_ours() -> InvalidRequest:
    return InvalidRequest.of("cursor", "must be the next_cursor of a page")
