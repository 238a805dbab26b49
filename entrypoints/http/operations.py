"""Routes for those who run the server: is it alive, can it serve, how is it doing."""

from collections.abc import Awaitable, Callable, Mapping, Sequence

from litestar import route
from litestar.handlers import HTTPRouteHandler
from litestar.types import ASGIApp

from entrypoints.http import wire
from entrypoints.http.doorman import AnyRequest
from entrypoints.http.paths import READ
from entrypoints.http.replies import NO_STORE, Reply
from entrypoints.http.routes import Routes
from entrypoints.metrics import MEDIA_TYPE

_HEALTHY = wire.encode(wire.Health("healthy"))

Unready = Callable[[], Awaitable[Mapping[str, str]]]
"""What is not ready, and why; empty where requests can be served."""


class OperationRoutes(Routes):
    """Answers orchestrators and scrapers."""

    def __init__(self, unready: Unready, metrics: Callable[[], bytes]) -> None:
        """Take who knows what is not ready, and the figures in Prometheus' text format."""
        self._unready = unready
        self._metrics = metrics

    def routes(self) -> Sequence[HTTPRouteHandler]:
        """Return the handlers."""
        return [
            route("/health", http_method=READ, status_code=200)(self.health),
            route("/health/ready", http_method=READ, status_code=200)(self.ready),
            route("/metrics", http_method=READ, status_code=200)(self.metrics),
        ]

    async def health(self, request: AnyRequest) -> ASGIApp:
        """Say that the process answers, without touching anything."""
        del request
        return Reply.json(_HEALTHY)

    async def ready(self, request: AnyRequest) -> ASGIApp:
        """Say whether requests can be served."""
        del request
        missing = dict(await self._unready())
        view = wire.Readiness("not ready" if missing else "ready", missing)
        return Reply.json(wire.encode(view), status=503 if missing else 200)

    async def metrics(self, request: AnyRequest) -> ASGIApp:
        """Return the figures."""
        del request
        return Reply(200, self._metrics(), ((b"content-type", MEDIA_TYPE.encode()), NO_STORE))
