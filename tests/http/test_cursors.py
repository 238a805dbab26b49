"""Cursors lead back to their keys, and nothing else does."""

import re
from contextlib import suppress
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatcore.errors import InvalidRequest
from entrypoints.http.cursors import conversation_before, cursor_of, position_before

URL_SAFE = re.compile(r"[A-Za-z0-9_.~-]+")


@given(st.uuids())
def test_a_conversations_cursor_leads_back_to_it_and_is_url_safe(key: UUID) -> None:
    cursor = cursor_of(str(key))
    assert cursor is not None
    assert URL_SAFE.fullmatch(cursor)
    assert conversation_before(cursor) == key


@given(st.integers(min_value=0, max_value=10**18 - 1))
def test_a_positions_cursor_leads_back_to_it_and_is_url_safe(key: int) -> None:
    cursor = cursor_of(str(key))
    assert cursor is not None
    assert URL_SAFE.fullmatch(cursor)
    assert position_before(cursor) == key


def test_there_is_no_cursor_at_the_end_and_none_before_the_beginning() -> None:
    assert cursor_of(None) is None
    assert conversation_before(None) is None
    assert position_before(None) is None


BAD = [
    "",
    "x",
    "=",
    "%00",
    "MTA=",
    "MTA\n",
    "ö",
    "\ud800",
    "A" * 500,
    cursor_of("-1"),
    cursor_of("٣"),
    cursor_of("9" * 19),
]


@pytest.mark.parametrize("bad", BAD)
def test_what_no_page_gave_is_refused(bad: str) -> None:
    with pytest.raises(InvalidRequest, match="cursor"):
        position_before(bad)
    with pytest.raises(InvalidRequest, match="cursor"):
        conversation_before(bad)


@given(st.text())
def test_no_text_does_worse_than_being_refused(text: str) -> None:
    with suppress(InvalidRequest):
        assert isinstance(position_before(text), int)
    with suppress(InvalidRequest):
        assert isinstance(conversation_before(text), UUID)
