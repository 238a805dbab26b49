"""A finished response as the plainest possible ASGI application."""

from collections.abc import Sequence

from litestar.types import Receive, Scope, Send

Headers = Sequence[tuple[bytes, bytes]]

JSON = (b"content-type", b"application/json")
NO_STORE = (b"cache-control", b"no-store")


class Reply:
    """A status, headers and a body that is known whole.

    Litestar takes any ASGI application for a handler's result. Its own `Response` costs as much as the
    rest of its way through a request; this one costs two calls of `send`.
    """

    __slots__ = ("_body", "_headers", "_status")

    def __init__(self, status: int, body: bytes, headers: Headers = ()) -> None:
        """Take everything that is sent; the length is added."""
        self._status = status
        self._body = body
        self._headers = headers

    @classmethod
    def json(cls, body: bytes, *headers: tuple[bytes, bytes], status: int = 200) -> "Reply":
        """Return a reply of JSON that nobody may store on its way."""
        return cls(status, body, (JSON, NO_STORE, *headers))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it; to HEAD without the body (RFC 9110, section 9.3.2)."""
        del receive
        length = (b"content-length", b"%d" % len(self._body))
        headers = [*self._headers] if self._status == 204 else [*self._headers, length]  # noqa: PLR2004
        await send({"type": "http.response.start", "status": self._status, "headers": headers})
        body = b"" if scope.get("method") == "HEAD" else self._body
        await send({"type": "http.response.body", "body": body, "more_body": False})
