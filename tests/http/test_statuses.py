"""Every error of the domain has a status at each door."""

import pytest

from chatcore import errors
from chatcore.errors import ChatError
from entrypoints.http.problems import REFUSALS
from entrypoints.http.statuses import ASSISTANT_STATUS, TEXTBOOK_STATUS, StatusTable

TABLES = [ASSISTANT_STATUS, TEXTBOOK_STATUS]


@pytest.mark.parametrize("table", TABLES)
def test_no_error_of_the_domain_is_without_a_status(table: StatusTable) -> None:
    assert set(table) == set(ChatError.__subclasses__())


@pytest.mark.parametrize("table", TABLES)
def test_no_two_errors_share_a_type(table: StatusTable) -> None:
    codes = [kind.code() for kind in table] + [refusal.slug for refusal in REFUSALS.values()]
    assert len(codes) == len(set(codes))


def test_the_public_door_tells_failures_as_500_and_bad_requests_as_400() -> None:
    expected = {
        errors.InvalidRequest: 400,
        errors.IdempotencyKeyReused: 422,
        errors.ConversationBusy: 409,
        errors.RateLimited: 429,
        errors.DatabaseUnavailable: 500,
        errors.ModelFailed: 500,
        errors.ModelUnavailable: 500,
        errors.ModelTimedOut: 500,
    }
    assert {kind: TEXTBOOK_STATUS[kind] for kind in expected} == expected


def test_the_authenticated_door_says_whose_fault_it_is() -> None:
    expected = {
        errors.Unauthenticated: 401,
        errors.Forbidden: 403,
        errors.ConversationNotFound: 404,
        errors.ConversationBusy: 409,
        errors.InvalidRequest: 422,
        errors.RateLimited: 429,
        errors.ModelFailed: 502,
        errors.DatabaseUnavailable: 503,
        errors.ModelUnavailable: 503,
        errors.ModelTimedOut: 504,
    }
    assert {kind: ASSISTANT_STATUS[kind] for kind in expected} == expected
