"""Errors as their documents: what a client reads, and what it does not."""

from typing import cast

import msgspec
import pytest
from litestar.exceptions import HTTPException
from litestar.types import Scope

from chatcore.errors import ConversationBusy, FieldFault, InvalidRequest, ModelRefused
from entrypoints.http import problems
from entrypoints.http.statuses import ASSISTANT_STATUS

SCOPE = cast("Scope", {"raw_path": b"/a%20b/\xff?x", "state": {"request_id": "r"}})


@pytest.mark.parametrize(
    ("wait", "told"), [(None, 1), (0, 1), (0.2, 1), (1, 1), (1.1, 2), (59.5, 60), (10_000, 60)]
)
def test_a_wait_is_whole_seconds_from_one_to_sixty(wait: float | None, told: int) -> None:
    problem = problems.of(ConversationBusy(retry_after=wait), ASSISTANT_STATUS, SCOPE)
    assert problem.retry_after == told
    assert problems.headers_of(problem)["retry-after"] == str(told)


def test_what_cannot_succeed_later_has_no_wait() -> None:
    problem = problems.of(ModelRefused(), ASSISTANT_STATUS, SCOPE)
    assert not problem.retryable
    assert "retry-after" not in problems.headers_of(problem)
    assert b"retry_after" not in problems.encode(problem)


def test_a_document_says_where_and_under_which_id() -> None:
    problem = problems.of(ModelRefused("of course"), ASSISTANT_STATUS, SCOPE)
    assert msgspec.to_builtins(problem) == {
        "type": "/problems/model-refused",
        "title": "The model refused to reply",
        "status": 502,
        "detail": "Of course.",
        "instance": "/a%20b/%FF%3Fx",
        "request_id": "r",
        "retryable": False,
    }


def test_a_name_of_a_field_that_a_client_made_up_is_not_repeated_at_length() -> None:
    invalid = InvalidRequest("x", faults=(FieldFault(field="x" * 5000, message="is not known"),))
    (fault,) = msgspec.to_builtins(problems.of(invalid, ASSISTANT_STATUS, SCOPE))["errors"]
    assert len(fault["field"]) == 64


@pytest.mark.parametrize(
    ("error", "detail"),
    [
        (InvalidRequest("the body is empty"), "The body is empty."),
        (InvalidRequest("Not so!"), "Not so!"),
        (InvalidRequest(), "The request is not valid."),
        (InvalidRequest.of("on_busy", "must be text"), "on_busy: must be text."),
    ],
)
def test_a_detail_is_a_sentence_and_leaves_the_name_of_a_field_as_it_is(
    error: InvalidRequest, detail: str
) -> None:
    assert problems.of(error, ASSISTANT_STATUS, SCOPE).detail == detail


@pytest.mark.parametrize(("status", "told"), [(404, 404), (418, 400), (431, 400), (501, 500), (599, 500)])
def test_a_status_that_nobody_foresaw_is_told_by_its_class(status: int, told: int) -> None:
    error = HTTPException(status_code=status, detail="inside")
    problem = problems.of(error, ASSISTANT_STATUS, SCOPE)
    assert problem.status == told
    assert b"inside" not in problems.encode(problem)
