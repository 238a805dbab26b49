"""A span for each request, named by its route and never by its path, which may hold a session's secret.

Attributes: https://opentelemetry.io/docs/specs/semconv/http/http-spans/
"""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from opentelemetry import propagate
from opentelemetry.trace import SpanKind, StatusCode, Tracer

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
_OUR_FAULT = 500


class TracedApp:
    """Wraps an ASGI application; continues the caller's trace where it sends one (W3C trace context)."""

    def __init__(self, app: App, tracer: Tracer) -> None:
        """Take what is wrapped and what makes spans."""
        self._app = app
        self._tracer = tracer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on inside a span."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        method = scope["method"]
        carrier = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        context = propagate.extract(carrier)
        with self._tracer.start_as_current_span(method, context, SpanKind.SERVER) as span:
            span.set_attribute("http.request.method", method)

            async def noted(message: Message) -> None:
                if message["type"] == "http.response.start":
                    span.set_attribute("http.response.status_code", message["status"])
                    if message["status"] >= _OUR_FAULT:
                        span.set_status(StatusCode.ERROR)
                await send(message)

            try:
                await self._app(scope, receive, noted)
            finally:
                if route := scope.get("path_template"):
                    span.update_name(f"{method} {route}")
                    span.set_attribute("http.route", route)
