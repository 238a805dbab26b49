"""Which status each error of the domain has: one table per door, complete by test."""

from collections.abc import Mapping
from types import MappingProxyType

from chatcore import errors
from chatcore.errors import ChatError

StatusTable = Mapping[type[ChatError], int]

ASSISTANT_STATUS: StatusTable = MappingProxyType(
    {
        errors.InvalidRequest: 422,
        errors.Unauthenticated: 401,
        errors.Forbidden: 403,
        errors.ConversationNotFound: 404,
        errors.TurnNotFound: 404,
        errors.ConversationBusy: 409,
        errors.TurnCancelled: 409,
        errors.IdempotencyKeyReused: 422,
        errors.RateLimited: 429,
        errors.TokenBudgetExhausted: 429,
        errors.ModelFailed: 502,
        errors.ModelRefused: 502,
        errors.ModelMisconfigured: 502,
        errors.ModelQuotaExhausted: 502,
        errors.PromptTooLong: 502,
        errors.AttemptsExhausted: 502,
        errors.Overloaded: 503,
        errors.DatabaseUnavailable: 503,
        errors.ModelUnavailable: 503,
        errors.TurnInterrupted: 503,
        errors.ModelTimedOut: 504,
    }
)
"""The authenticated door says whose fault it is."""

TEXTBOOK_STATUS: StatusTable = MappingProxyType(
    {
        **ASSISTANT_STATUS,
        errors.InvalidRequest: 400,
        errors.ModelFailed: 500,
        errors.ModelRefused: 500,
        errors.ModelMisconfigured: 500,
        errors.ModelQuotaExhausted: 500,
        errors.PromptTooLong: 500,
        errors.AttemptsExhausted: 500,
        errors.DatabaseUnavailable: 500,
        errors.ModelUnavailable: 500,
        errors.TurnInterrupted: 500,
        errors.ModelTimedOut: 500,
    }
)
"""The public door calls every failure behind it a 500; the problem's type says which."""
