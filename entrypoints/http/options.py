"""Answers OPTIONS with all methods of a path; Litestar's own answer knows those of one handler only."""

from collections import defaultdict
from collections.abc import Sequence

from litestar import HttpMethod, route
from litestar.handlers import HTTPRouteHandler
from litestar.types import ASGIApp

from entrypoints.http.replies import Reply


def options_of(handlers: Sequence[HTTPRouteHandler]) -> Sequence[HTTPRouteHandler]:
    """Return a handler of OPTIONS for each path that the handlers have."""
    methods: dict[str, set[str]] = defaultdict(lambda: {"OPTIONS"})
    for handler in handlers:
        for path in handler.paths:
            methods[path].update(handler.http_methods)
    return [_options(path, ", ".join(sorted(allowed)).encode()) for path, allowed in methods.items()]


def _options(path: str, allowed: bytes) -> HTTPRouteHandler:
    # 200 is for Litestar, which wants no result for 204.
    @route(path, http_method=HttpMethod.OPTIONS, status_code=200)
    async def options() -> ASGIApp:
        return Reply(204, b"", ((b"allow", allowed),))

    return options
