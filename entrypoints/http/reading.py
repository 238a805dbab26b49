"""Reads a request: its body within the limit, as JSON and nothing else, its headers, its query."""

import asyncio
import re
from typing import TypeVar
from urllib.parse import parse_qs

import msgspec
from litestar.exceptions import HTTPException
from litestar.types import Receive, Scope

from chatcore.errors import InvalidRequest
from entrypoints.http.faults import fault_of

T = TypeVar("T")

SLOWEST_BODY = 30.0
"""How long a body may take to come, in seconds."""

_JSON_TYPE = re.compile(
    rb'application/(?:json|[a-z0-9!#$&^_.-]+\+json)(?:\s*;\s*charset="?utf-?8"?)?\s*;?\s*', re.IGNORECASE
)
_LONGEST_NUMBER = 9


async def read_json(decoder: msgspec.json.Decoder[T], scope: Scope, receive: Receive, limit: int | None) -> T:
    """Return the body as what the decoder makes of it.

    Raises:
        InvalidRequest: it is no JSON, or not of that shape.
        HTTPException: 415 it does not say that it is JSON, 413 it has more than `limit` bytes, 408 it is slow.
    """
    headers = dict(scope["headers"])
    _check_type(headers)
    body = await _read(headers.get(b"content-length"), receive, limit)
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise fault_of(str(error), decoder.type) from None
    except (ValueError, RecursionError):
        raise InvalidRequest("The body is not valid JSON." if body.strip() else "The body is empty.") from None


def header(scope: Scope, name: bytes) -> str | None:
    """Return the one value of a header.

    Raises:
        InvalidRequest: it was sent more than once.
    """
    values = [value for key, value in scope["headers"] if key == name]
    if len(values) > 1:
        raise InvalidRequest.of(name.decode().title(), "must be sent once")
    return values[0].decode("latin-1") if values else None


def wants_events(scope: Scope) -> bool:
    """Return whether the client prefers a stream of events over one reply (RFC 9110, section 12.5.1)."""
    accept = b",".join(value for key, value in scope["headers"] if key == b"accept").lower()
    if b"text/event-stream" not in accept:
        return False
    ranges = [_range(part) for part in accept.split(b",")]
    events = max((quality for kind, quality in ranges if kind == b"text/event-stream"), default=0.0)
    plain = max((quality for kind, quality in ranges if kind == b"application/json"), default=0.0)
    return events > 0 and events >= plain


def page_size(scope: Scope, *, default: int, most: int) -> int:
    """Return how long a page the client wants.

    Raises:
        InvalidRequest: that is no number from 1 to `most`.
    """
    text = query(scope, "limit")
    if text is None:
        return default
    size = int(text) if text.isascii() and text.isdecimal() and len(text) <= _LONGEST_NUMBER else 0
    if not 1 <= size <= most:
        raise InvalidRequest.of("limit", f"must be a number from 1 to {most}")
    return size


def flag(scope: Scope, name: str) -> bool:
    """Return whether something is wanted, which is `true` or `false`, and `false` when left out.

    Raises:
        InvalidRequest: it is something else.
    """
    text = query(scope, name)
    if text not in {None, "true", "false"}:
        raise InvalidRequest.of(name, "must be true or false")
    return text == "true"


def query(scope: Scope, name: str) -> str | None:
    """Return a parameter of the query, or None where it is not there.

    Raises:
        InvalidRequest: it is there more than once, or the query cannot be read.
    """
    if not scope["query_string"]:
        return None
    try:
        values = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True, max_num_fields=100)
    except ValueError:
        raise InvalidRequest("The query cannot be read.") from None
    given = values.get(name, [])
    if len(given) > 1:
        raise InvalidRequest.of(name, "must be given once")
    return given[0] if given else None


def _check_type(headers: dict[bytes, bytes]) -> None:
    encoded = headers.get(b"content-encoding", b"identity").lower() != b"identity"
    if encoded or not _JSON_TYPE.fullmatch(headers.get(b"content-type", b"")):
        raise HTTPException(status_code=415)


async def _read(length: bytes | None, receive: Receive, limit: int | None) -> bytes:
    # A server has checked that the length is a number; one that has more digits than an int takes is too long.
    if limit is not None and length is not None and (len(length) > 18 or int(length) > limit):  # noqa: PLR2004
        raise HTTPException(status_code=413)
    part, more = await _part(receive)
    if not more:
        return _within(limit, len(part), part)
    body = bytearray(part)
    try:
        async with asyncio.timeout(SLOWEST_BODY):
            while more:
                _within(limit, len(body))
                part, more = await _part(receive)
                body += part
    except TimeoutError:
        raise HTTPException(status_code=408) from None
    return _within(limit, len(body), bytes(body))


async def _part(receive: Receive) -> tuple[bytes, bool]:
    """Return the next part of the body, and whether there are more.

    Raises:
        HTTPException: the client went away, so that nobody will read which status it was.
    """
    message = await receive()
    if message["type"] != "http.request":
        raise HTTPException(status_code=400)
    return message.get("body", b""), message.get("more_body", False)


def _within(limit: int | None, size: int, body: bytes = b"") -> bytes:
    if limit is not None and size > limit:
        raise HTTPException(status_code=413)
    return body


def _range(part: bytes) -> tuple[bytes, float]:
    """Return a media range and its quality; one that cannot be read counts as not wanted."""
    kind, *parameters = (piece.strip() for piece in part.split(b";"))
    quality = next((piece[2:] for piece in parameters if piece.startswith(b"q=")), b"1")
    try:
        return kind, float(quality)
    except ValueError:
        return kind, 0.0
