"""Anonymous sessions: their ids are secrets that the database never sees."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatcore.errors import InvalidRequest
from chatcore.principal import checked_user_id
from chatcore.session import Session

SESSION_ID = re.compile(r"[A-Za-z0-9_-]{43}")


@given(st.binary(min_size=32, max_size=32))
def test_a_fresh_session_has_an_id_that_it_can_be_found_by(entropy: bytes) -> None:
    session = Session.fresh(entropy)
    assert SESSION_ID.fullmatch(session.id)
    assert Session.parse(session.id) == session


@given(st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32))
def test_two_sessions_share_nothing(one: bytes, other: bytes) -> None:
    first, second = Session.fresh(one), Session.fresh(other)
    assert (first.owner == second.owner) == (one == other)
    assert (first.conversation_id == second.conversation_id) == (one == other)


def test_a_key_opens_the_same_session_each_time() -> None:
    assert Session.of_key("a key") == Session.of_key("a key") != Session.of_key("another")


def test_the_owner_does_not_give_the_session_away() -> None:
    session = Session.of_key("a key")
    assert session.id not in session.owner


@pytest.mark.parametrize("text", ["", "short", "x" * 44, "ü" * 43, " " + "x" * 42, "x" * 42 + "\n"])
def test_a_text_that_is_no_session_id_names_no_session(text: str) -> None:
    assert Session.parse(text) is None


def test_no_user_can_be_mistaken_for_a_session() -> None:
    with pytest.raises(InvalidRequest):
        checked_user_id(Session.of_key("a key").owner)


def test_the_conversation_id_is_a_uuid_of_version_8() -> None:
    conversation_id = Session.of_key("a key").conversation_id
    assert conversation_id.version == 8
    assert conversation_id.variant == "specified in RFC 4122"
