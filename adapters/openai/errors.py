"""What a provider's refusal means: a pure table from status and error code to the domain's errors.

Of what the provider says, only what its words mean goes on; the words themselves may hold keys and prompts.
"""

import math
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

import msgspec

from chatcore.errors import (
    ChatError,
    ModelFailed,
    ModelMisconfigured,
    ModelQuotaExhausted,
    ModelRefused,
    ModelTimedOut,
    ModelUnavailable,
    PromptTooLong,
)

_CODES: Mapping[str, type[ChatError]] = {
    "context_length_exceeded": PromptTooLong,
    "exceed_context_size_error": PromptTooLong,
    "request_too_large": PromptTooLong,
    "string_above_max_length": PromptTooLong,
    "content_filter": ModelRefused,
    "content_policy_violation": ModelRefused,
    "responsibleaipolicyviolation": ModelRefused,
    "insufficient_quota": ModelQuotaExhausted,
    "insufficient_balance": ModelQuotaExhausted,
    "billing_hard_limit_reached": ModelQuotaExhausted,
    "billing_not_active": ModelQuotaExhausted,
    "rate_limit_exceeded": ModelUnavailable,
    "overloaded_error": ModelUnavailable,
    "invalid_api_key": ModelMisconfigured,
    "model_not_found": ModelMisconfigured,
}
_STATUSES: Mapping[int, type[ChatError]] = {
    HTTPStatus.PAYMENT_REQUIRED: ModelQuotaExhausted,
    HTTPStatus.REQUEST_TIMEOUT: ModelTimedOut,
    HTTPStatus.CONFLICT: ModelUnavailable,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: PromptTooLong,
    HTTPStatus.TOO_EARLY: ModelUnavailable,
    HTTPStatus.TOO_MANY_REQUESTS: ModelUnavailable,
    HTTPStatus.INTERNAL_SERVER_ERROR: ModelFailed,
}
_DETAILS: Mapping[type[ChatError], str] = {
    ModelFailed: "the model provider failed",
    ModelMisconfigured: "the model provider does not accept this server's requests",
    ModelQuotaExhausted: "the quota at the model provider is used up",
    ModelRefused: "the model provider will not answer this",
    ModelTimedOut: "the model provider did not answer in time",
    ModelUnavailable: "the model provider is unavailable or limits our rate",
    PromptTooLong: "the conversation is too long for the model",
}
# Providers without a code for it say so in prose only.
_TOO_LONG = re.compile(
    r"context (length|window|size)|maximum (context|number of tokens)|too many tokens|prompt is too long",
    re.IGNORECASE,
)
_RETRY_DELAY = re.compile(rb'"retryDelay"\s*:\s*"(\d+(?:\.\d+)?)s"')
_BAD_REQUESTS = frozenset(
    {HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNPROCESSABLE_ENTITY}
)


def error_of(status: int, headers: Mapping[str, str], body: bytes) -> ChatError:
    """Return what an answer means whose status is not 200; `body` may be cut."""
    error = _error_in(body)
    kind = next((_CODES[code] for code in _codes(error) if code in _CODES), None)
    if kind is None and status in _BAD_REQUESTS and _TOO_LONG.search(str(error.get("message", ""))):
        kind = PromptTooLong
    return _made(kind or _kind_of(status), retry_after(headers, body))


def error_in_stream(frame: bytes) -> ChatError:
    """Return what an error means that comes in place of a reply, in an answer of status 200."""
    error = _error_in(frame)
    for code in _codes(error):
        if code in _CODES:
            return _made(_CODES[code], None)
        if code.isdecimal() and len(code) == len("502"):
            return _made(_kind_of(int(code)), None)
    return _made(ModelFailed, None)


def retry_after(headers: Mapping[str, str], body: bytes = b"") -> float | None:
    """Return how many seconds the provider asks us to wait.

    Source: RFC 9110, 10.2.3; `retry-after-ms` is OpenAI's, `retryDelay` in the body Google's.
    """
    if (milliseconds := _number(headers.get("retry-after-ms"))) is not None:
        return milliseconds / 1000
    stated = headers.get("retry-after")
    if stated is None:
        delay = _RETRY_DELAY.search(body)
        return float(delay[1]) if delay else None
    seconds = _number(stated)
    return seconds if seconds is not None else _until(stated)


def _kind_of(status: int) -> type[ChatError]:
    if status in _STATUSES:
        return _STATUSES[status]
    if status > HTTPStatus.INTERNAL_SERVER_ERROR:
        return ModelUnavailable
    return ModelMisconfigured if status >= HTTPStatus.MULTIPLE_CHOICES else ModelFailed


def _made(kind: type[ChatError], wait: float | None) -> ChatError:
    return kind(_DETAILS[kind], retry_after=wait if kind.retryable else None)


def _error_in(body: bytes) -> Mapping[str, object]:
    """Return the error's members in any of the shapes that providers give it."""
    try:
        said = msgspec.json.decode(body)
    except (ValueError, RecursionError):
        return {}
    if isinstance(said, list) and said:
        said = said[0]
    if not isinstance(said, dict):
        return {}
    error = said.get("error", said)
    return error if isinstance(error, dict) else {"message": error}


def _codes(error: Mapping[str, object]) -> Iterator[str]:
    for member in ("code", "type", "status"):
        code = error.get(member)
        if isinstance(code, str | int):
            yield str(code).lower()


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _until(date: str) -> float | None:
    try:
        moment = parsedate_to_datetime(date)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - datetime.now(UTC)).total_seconds()
