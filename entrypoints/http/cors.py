"""Cross-origin requests: exactly the origins of the settings, never a wildcard.

Source: https://fetch.spec.whatwg.org/
"""

from collections.abc import Collection

from litestar.types import Send

ALLOWED = "authorization, content-type, idempotency-key, last-event-id, x-request-id"
EXPOSED = "idempotency-replayed, retry-after, x-request-id, x-turn-id, ratelimit, ratelimit-policy"
METHODS = "GET, HEAD, POST, PATCH, DELETE"
PREFLIGHT_SECONDS = 600

_VARY = (b"vary", b"origin")


class Cors:
    """Says which scripts may read our answers."""

    def __init__(self, origins: Collection[str]) -> None:
        """Take the origins, each as a browser sends it."""
        self._headers = {
            origin.encode(): (
                (b"access-control-allow-origin", origin.encode()),
                (b"access-control-allow-credentials", b"true"),
                (b"access-control-expose-headers", EXPOSED.encode()),
                _VARY,
            )
            for origin in origins
        }

    def headers(self, origin: bytes | None) -> tuple[tuple[bytes, bytes], ...]:
        """Return what any answer to a request from an origin says; nothing but `vary` to a foreign one."""
        return (_VARY,) if origin is None else self._headers.get(origin, (_VARY,))

    async def preflight(self, send: Send) -> None:
        """Answer a preflight; whether it allows anything is said by `headers`."""
        headers = [
            (b"access-control-allow-methods", METHODS.encode()),
            (b"access-control-allow-headers", ALLOWED.encode()),
            (b"access-control-max-age", str(PREFLIGHT_SECONDS).encode()),
        ]
        await send({"type": "http.response.start", "status": 204, "headers": headers})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
