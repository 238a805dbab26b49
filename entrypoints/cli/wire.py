"""The terminal client's way to a server: one HTTP request at a time, over the standard library."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from urllib.parse import urlsplit

_SILENCE = 40.0
"""Seconds without a byte after which a connection counts as lost; a server says something every ten."""
_CHUNK = 65_536


class Lost(Exception):
    """The server cannot be reached, or was lost in the middle."""


class Wire:
    """A server, and who talks to it."""

    def __init__(self, url: str, token: str | None) -> None:
        """Take the server's address and the bearer token, if one is needed."""
        parts = urlsplit(url)
        self._kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        self._host, self._port, self._prefix = parts.hostname or "", parts.port, parts.path.rstrip("/")
        self._headers = {"authorization": f"Bearer {token}"} if token else {}

    @contextmanager
    def request(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Iterator["Reply"]:
        """Yield the reply to a request.

        Raises:
            Lost: there is none, or it breaks off while it is read.
        """
        connection = self._kind(self._host, self._port, timeout=_SILENCE)
        try:
            connection.request(method, self._prefix + path, body, {**self._headers, **(headers or {})})
            yield Reply(connection.getresponse())
        except (OSError, HTTPException) as error:
            raise Lost(str(error) or type(error).__name__) from error
        finally:
            connection.close()


class Reply:
    """A reply as it comes."""

    def __init__(self, response: HTTPResponse) -> None:
        """Take what the standard library has read so far."""
        self._response = response
        self.status = response.status

    def chunks(self) -> Iterator[bytes]:
        """Yield the body as it comes."""
        while chunk := self._response.read1(_CHUNK):
            yield chunk

    def whole(self) -> bytes:
        """Return the rest of the body."""
        return self._response.read()
