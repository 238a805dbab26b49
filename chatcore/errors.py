"""Everything that chatcore can refuse or fail at, as nouns; each docstring is the title a client reads.

`retryable` says whether the same request, sent again, may succeed. A failure of a turn is recorded by
its `code` and raised again from that record when the turn is replayed.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

MAX_RETRY_AFTER = 60
"""The longest wait that a client is ever asked for, in seconds."""


class ChatError(Exception):
    """Base of every refusal and failure that a client may see."""

    retryable: ClassVar[bool] = False

    def __init__(self, detail: str = "", *, retry_after: float | None = None) -> None:
        """Take what a client may read, and how many seconds it should wait before it tries again."""
        super().__init__(detail)
        self.detail = detail
        self.retry_after = None if retry_after is None else min(max(retry_after, 0.0), MAX_RETRY_AFTER)

    @classmethod
    def code(cls) -> str:
        """Return the stable slug of this kind of error, such as `conversation-busy`."""
        return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", cls.__name__).lower()

    @classmethod
    def title(cls) -> str:
        """Return the docstring's first line without its full stop."""
        return (cls.__doc__ or cls.__name__).strip().splitlines()[0].rstrip(".")


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldFault:
    """What is wrong with one field of a request."""

    field: str
    message: str


class InvalidRequest(ChatError):
    """The request is not valid."""

    def __init__(self, detail: str = "", *, faults: tuple[FieldFault, ...] = ()) -> None:
        """Take the faults of each field beside the sentence that sums them up."""
        super().__init__(detail)
        self.faults = faults

    @classmethod
    def of(cls, field: str, message: str) -> "InvalidRequest":
        """Return the refusal of one field."""
        return cls(f"{field}: {message}", faults=(FieldFault(field=field, message=message),))


class Unauthenticated(ChatError):
    """A valid token is required."""


class Forbidden(ChatError):
    """The token does not give access to this user."""


class ConversationNotFound(ChatError):
    """The conversation does not exist."""


class TurnNotFound(ChatError):
    """The turn does not exist."""


class ConversationBusy(ChatError):
    """The conversation is busy with another turn."""

    retryable = True


class IdempotencyKeyReused(ChatError):
    """The idempotency key was used with another request."""


class RateLimited(ChatError):
    """Too many requests."""

    retryable = True


class TokenBudgetExhausted(ChatError):
    """Today's tokens are used up."""

    retryable = True

    @classmethod
    def until_midnight(cls, seconds: float) -> "TokenBudgetExhausted":
        """Return the refusal of a question that has to wait for the next day (UTC), so many seconds away."""
        hours, minutes = divmod(math.ceil(max(seconds, 0.0) / 60), 60)
        detail = f"Today's tokens are used up; there are new ones at midnight UTC, in {hours} h {minutes} min."
        return cls(detail, retry_after=seconds)


class Overloaded(ChatError):
    """The server is at its limit."""

    retryable = True


class DatabaseUnavailable(ChatError):
    """The database is unavailable."""

    retryable = True


class ModelFailed(ChatError):
    """The model failed to reply."""

    retryable = True


class ModelUnavailable(ChatError):
    """The model is unavailable."""

    retryable = True


class ModelTimedOut(ChatError):
    """The model did not reply in time."""

    retryable = True


class ModelRefused(ChatError):
    """The model refused to reply."""


class ModelMisconfigured(ChatError):
    """The model provider does not accept this server's request."""


class ModelQuotaExhausted(ChatError):
    """The model provider's quota is used up."""


class PromptTooLong(ChatError):
    """The conversation is too long for the model."""


class TurnInterrupted(ChatError):
    """The turn was interrupted before its reply was complete."""

    retryable = True


class TurnCancelled(ChatError):
    """The turn was cancelled."""


class AttemptsExhausted(ChatError):
    """The turn failed too many times and is not tried again."""


class LeaseLost(Exception):
    """The turn is no longer ours to write: it was taken over, ended or erased. Never shown to a client."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a turn failed, as it is recorded."""

    code: str
    retryable: bool

    @classmethod
    def of(cls, error: ChatError) -> "Failure":
        """Return what is recorded of an error."""
        return cls(code=error.code(), retryable=error.retryable)

    def error(self) -> ChatError:
        """Return the error that was recorded, to be raised again; an unknown code is a failed model."""
        return error_kinds().get(self.code, ModelFailed)()


def error_kinds() -> Mapping[str, type[ChatError]]:
    """Return every kind of error by its code."""
    return {kind.code(): kind for kind in ChatError.__subclasses__()}
