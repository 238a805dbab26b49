"""What text is acceptable: any Unicode that PostgreSQL and JSON can both carry, within a length."""

import re

from chatcore.errors import InvalidRequest

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def storable(text: str) -> bool:
    """Return whether a text holds neither NUL nor a lone surrogate; encoding it finds that sooner than a search."""
    try:
        return b"\0" not in text.encode()
    except UnicodeEncodeError:
        return False


def checked(field: str, text: str, *, longest: int) -> str:
    """Return the text of a request unchanged.

    Raises:
        InvalidRequest: it is blank, longer than `longest` characters, or holds NUL or a lone surrogate.
    """
    if not text or text.isspace():
        raise InvalidRequest.of(field, "must not be empty")
    if len(text) > longest:
        raise InvalidRequest.of(field, f"must have at most {longest} characters")
    if not storable(text):
        raise InvalidRequest.of(field, "must not contain NUL or lone surrogates")
    return text


def mended(text: str) -> str:
    """Return the text of a reply with NUL and lone surrogates replaced by U+FFFD."""
    return text if storable(text) else _UNSTORABLE.sub(REPLACEMENT, text)
