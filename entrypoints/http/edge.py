"""What surrounds every request, in one layer: its id, CORS and security headers, its line in log and figures.

It stands outside Litestar's router, so that also what the router refuses passes through it.
"""

import asyncio
import re
import secrets
import time
from collections.abc import Awaitable, Collection, Mapping

import structlog
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from chatcore.errors import Overloaded
from entrypoints.http import problems
from entrypoints.http.cors import Cors
from entrypoints.http.replies import Headers, Reply
from entrypoints.http.statuses import ASSISTANT_STATUS
from entrypoints.http.stream import EVENT_STREAM
from entrypoints.http.witness import Witness
from entrypoints.logging import current_request
from entrypoints.metrics import Metrics

SECURITY_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-site"),
)
PLAIN_POLICY = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
"""Nothing of ours is a page, unless it says so by a policy of its own."""

UNMATCHED = "unmatched"

_SANE_ID = re.compile(rb"[!-~]{1,128}")
_OUR_FAULT = 500
_QUIET = frozenset({"/health", "/health/ready", "/metrics"})


class Edge:
    """Wraps the application."""

    def __init__(self, app: ASGIApp, origins: Collection[str], metrics: Metrics, witness: Witness) -> None:
        """Take what is wrapped, the origins that browsers may call from, who counts, and who notes actions."""
        self._app = app
        self._cors = Cors(origins)
        self._metrics = metrics
        self._witness = witness
        self._log = structlog.get_logger()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and everything that is sent in answer to it back."""
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        headers = dict(scope["headers"])
        answer = _Answer(send, self._headers(scope, headers), self._metrics)
        try:
            if scope["method"] == "OPTIONS" and b"access-control-request-method" in headers:
                await self._cors.preflight(answer.send)
            else:
                await self._app(scope, receive, answer.send)
        except asyncio.CancelledError:
            # The server stops. What has begun ends as it can; who has heard nothing yet is sent elsewhere.
            if not answer.status:
                await _sent_away(scope)(scope, receive, answer.send)
        finally:
            answer.end()
            self._tell(scope, answer.status, time.perf_counter() - began)

    def _headers(self, scope: HTTPScope, headers: Mapping[bytes, bytes]) -> Headers:
        """Give the request its id, and return the headers that any answer to it has."""
        given = headers.get(b"x-request-id", b"")
        request_id = given if _SANE_ID.fullmatch(given) else secrets.token_hex(16).encode()
        scope["state"]["request_id"] = request_id.decode()
        current_request.set(request_id.decode())
        return (*SECURITY_HEADERS, (b"x-request-id", request_id), *self._cors.headers(headers.get(b"origin")))

    def _tell(self, scope: HTTPScope, status: int, seconds: float) -> None:
        # The template and not the path: a path of the textbook has the session's secret in it.
        route = scope.get("path_template") or UNMATCHED
        self._metrics.request(scope["method"], route, status, seconds)
        state = scope["state"]
        log = self._log.debug if route in _QUIET else self._log.info
        if status >= _OUR_FAULT:
            log = self._log.warning
        principal = state.get("principal")
        address, resource = self._witness.address(scope), self._witness.resource(scope, route)
        log(
            "request",
            method=scope["method"],
            route=route,
            status=status,
            milliseconds=round(seconds * 1000, 1),
            user_id=None if principal is None else principal.user_id,
            resource=resource,
            problem=state.get("problem"),
            address=address,
        )
        self._witness.record(scope, route, status, address, resource)


class _Answer:
    """What is sent in answer to one request, on its way out."""

    __slots__ = ("_headers", "_metrics", "_send", "_streams", "status")

    def __init__(self, send: Send, headers: Headers, metrics: Metrics) -> None:
        """Take where it goes, what is added to its headers, and who counts streams."""
        self._send = send
        self._headers = headers
        self._metrics = metrics
        self._streams = False
        self.status = 0

    def send(self, message: Message) -> Awaitable[None]:
        """Send a part of it."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            sent = message["headers"]
            if EVENT_STREAM in sent:
                self._streams = True
                self._metrics.stream_opened()
            policy = () if any(name == PLAIN_POLICY[0] for name, _ in sent) else (PLAIN_POLICY,)
            message["headers"] = [*sent, *policy, *self._headers]
        return self._send(message)

    def end(self) -> None:
        """Count the stream, if it was one, as closed."""
        if self._streams:
            self._metrics.stream_closed()


def _sent_away(scope: HTTPScope) -> Reply:
    stopping = Overloaded("this server is stopping; send the same request again", retry_after=1)
    problem = problems.of_error(stopping, ASSISTANT_STATUS, scope)
    headers = {"content-type": problems.MEDIA_TYPE, **problems.headers_of(problem)}
    encoded = [(name.encode(), value.encode()) for name, value in headers.items()]
    return Reply(problem.status, problems.encode(problem), encoded)
