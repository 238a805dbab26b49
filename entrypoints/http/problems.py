"""Errors as RFC 9457 problem documents: what went wrong, in words a client may read, and whether to retry."""

import math
from collections.abc import Iterable
from types import MappingProxyType
from urllib.parse import quote

import msgspec
from litestar.exceptions import HTTPException
from litestar.types import Scope

from chatcore.errors import ChatError, FieldFault, InvalidRequest
from entrypoints.http.statuses import StatusTable

MEDIA_TYPE = "application/problem+json"
PROBLEMS = "/problems/"
"""Where each kind of problem is described: its type is this and its slug."""
DEFAULT_WAIT = 1
"""Seconds to wait before another try where the error does not know better."""

_LONGEST_FIELD = 64
_OF_A_PATH = "%/:@!$&'()*+,;="
"""What may stand in a path as it is (RFC 3986, section 3.3), escapes included."""


class Fault(msgspec.Struct, frozen=True):
    """What is wrong with one field."""

    field: str
    message: str


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """What a client reads of an error (RFC 9457, section 3.1)."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    request_id: str
    retryable: bool
    retry_after: int | msgspec.UnsetType = msgspec.UNSET
    errors: list[Fault] | msgspec.UnsetType = msgspec.UNSET


class Refusal(msgspec.Struct, frozen=True):
    """A kind of error that HTTP has and the domain does not."""

    slug: str
    title: str


class Unreadable(HTTPException):
    """A 400 that says what cannot be read; of the framework's own nobody is told more than the title."""

    def __init__(self, detail: str) -> None:
        """Take the sentence that a client may read."""
        super().__init__(status_code=400, detail=detail)


REFUSALS = MappingProxyType(
    {
        400: Refusal("bad-request", "The request cannot be read"),
        404: Refusal("route-not-found", "There is nothing at this address"),
        405: Refusal("method-not-allowed", "This address does not take this method"),
        408: Refusal("request-too-slow", "The body did not come in time"),
        413: Refusal("body-too-large", "The body is too large"),
        415: Refusal("media-type-not-supported", "The body has to be JSON"),
        500: Refusal("internal-error", "Something went wrong on this server"),
    }
)
encode = msgspec.json.Encoder().encode


def of(error: Exception, table: StatusTable, scope: Scope) -> Problem:
    """Return any error as the client of one door reads it."""
    match error:
        case ChatError():
            return of_error(error, table, scope)
        case Unreadable():
            return _refused(400, _instance(scope), request_id_of(scope), error.detail)
        case HTTPException():
            return of_refusal(error, scope)
        case _:
            return of_bug(scope)


def of_error(error: ChatError, table: StatusTable, scope: Scope) -> Problem:
    """Return an error of the domain as the client of one door reads it."""
    faults = error.faults if isinstance(error, InvalidRequest) else ()
    return Problem(
        type=_type(error.code()),
        title=error.title(),
        status=table[type(error)],
        detail=_sentence(error.detail or error.title(), names_a_field=bool(faults)),
        instance=_instance(scope),
        request_id=request_id_of(scope),
        retryable=error.retryable,
        retry_after=_seconds(error) if error.retryable else msgspec.UNSET,
        errors=_errors(faults) if faults else msgspec.UNSET,
    )


def of_refusal(refused: HTTPException, scope: Scope) -> Problem:
    """Return what HTTP itself refuses; of a status that nobody foresaw only its class is told."""
    status = refused.status_code if refused.status_code in REFUSALS else _class_of(refused.status_code)
    return _refused(status, _instance(scope), request_id_of(scope))


def of_bug(scope: Scope) -> Problem:
    """Return what a client may know of an error that nobody foresaw: nothing but where to ask."""
    return of_refusal(HTTPException(status_code=500), scope)


def of_nonsense(request_id: str) -> Problem:
    """Return what is told of bytes that are no request; nobody knows which address they were meant for."""
    return _refused(400, "", request_id)


def headers_of(problem: Problem) -> dict[str, str]:
    """Return the headers that a response with this problem has beside its media type."""
    headers = {"cache-control": "no-store"}
    if problem.status == 401:  # noqa: PLR2004 - RFC 9110, section 15.5.2
        headers["www-authenticate"] = "Bearer"
    if problem.retry_after is not msgspec.UNSET:
        headers["retry-after"] = str(problem.retry_after)
    return headers


def request_id_of(scope: Scope) -> str:
    """Return the id under which this request is known."""
    return str(scope["state"].get("request_id", ""))


def _sentence(detail: str, *, names_a_field: bool) -> str:
    """Return a detail as a sentence; one that begins with a field's name keeps it as it is written."""
    begun = detail if names_a_field else detail[:1].upper() + detail[1:]
    return begun if begun.endswith((".", "!", "?")) else f"{begun}."


def _refused(status: int, instance: str, request_id: str, detail: str = "") -> Problem:
    refusal = REFUSALS[status]
    return Problem(
        type=_type(refusal.slug),
        title=refusal.title,
        status=status,
        detail=detail or f"{refusal.title}.",
        instance=instance,
        request_id=request_id,
        retryable=False,
    )


def _type(slug: str) -> str:
    return f"{PROBLEMS}{slug}"


def _class_of(status: int) -> int:
    return 400 if 400 <= status < 500 else 500  # noqa: PLR2004 - the classes of RFC 9110, section 15


def _instance(scope: Scope) -> str:
    return quote(scope["raw_path"], safe=_OF_A_PATH)


def _seconds(error: ChatError) -> int:
    wait = DEFAULT_WAIT if error.retry_after is None else math.ceil(error.retry_after)
    return max(DEFAULT_WAIT, wait)


def _errors(faults: Iterable[FieldFault]) -> list[Fault]:
    return [Fault(field=fault.field[:_LONGEST_FIELD], message=fault.message) for fault in faults]
