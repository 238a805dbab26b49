"""Turns whatever a handler raises into a problem document, the one place where errors become responses."""

from collections.abc import Callable

import structlog
from litestar import Response
from litestar.exceptions import HTTPException

from chatcore.errors import ChatError
from entrypoints.http import problems
from entrypoints.http.doorman import AnyRequest
from entrypoints.http.statuses import StatusTable

Handler = Callable[[AnyRequest, Exception], Response[bytes]]

_log = structlog.get_logger()


def handlers(table: StatusTable) -> dict[int | type[Exception], Handler]:
    """Return the exception handlers of a door with this table of statuses."""

    def respond(request: AnyRequest, error: Exception) -> Response[bytes]:
        problem = problems.of(error, table, request.scope)
        request.scope["state"]["problem"] = problem.type
        if not isinstance(error, ChatError | HTTPException):
            _log.error("unforeseen error", exc_info=error)
        headers = problems.headers_of(problem)
        # What is known of the turn where one was begun, which its failure does not undo.
        headers |= {name.decode(): value.decode() for name, value in request.scope["state"].get("about", ())}
        if isinstance(error, HTTPException) and error.headers and "allow" in error.headers:
            headers["allow"] = error.headers["allow"]
        body = problems.encode(problem)
        return Response(body, status_code=problem.status, media_type=problems.MEDIA_TYPE, headers=headers)

    return {Exception: respond}
