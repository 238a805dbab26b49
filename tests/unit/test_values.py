"""Conversations, principals, errors and endings: a value that exists is valid."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatcore.conversation import Conversation, Message, Role, title_from
from chatcore.errors import (
    MAX_RETRY_AFTER,
    ChatError,
    ConversationBusy,
    Failure,
    Forbidden,
    InvalidRequest,
    ModelFailed,
    error_kinds,
)
from chatcore.events import Cancelled, Done, Failed, Interrupted, ending_of
from chatcore.principal import Principal, Scope, checked_user_id
from chatcore.turn import Turn, TurnStatus, Usage

NOW = datetime(2026, 1, 1, tzinfo=UTC)
REPLY = Message(id=UUID(int=3), turn_id=UUID(int=1), role=Role.ASSISTANT, content="Hi", created_at=NOW)
USAGE = Usage(input_tokens=1, output_tokens=2)


def conversation(title: str) -> Conversation:
    return Conversation(id=UUID(int=1), owner="ada", title=title, created_at=NOW, updated_at=NOW)


def test_a_renamed_conversation_is_another_value() -> None:
    before = conversation("before")
    assert before.renamed("after").title == "after"
    assert before.title == "before"


@pytest.mark.parametrize("title", ["", " ", "x" * 201, "a\x00"])
def test_an_impossible_title_is_refused(title: str) -> None:
    with pytest.raises(InvalidRequest):
        conversation("before").renamed(title)


@given(st.text(min_size=1).filter(str.strip))
def test_a_first_title_is_one_short_line(question: str) -> None:
    title = title_from(question)
    assert title
    assert len(title) <= 60
    assert "\n" not in title


def test_a_key_to_read_with_does_not_write() -> None:
    reader = Principal(user_id="ada", method="test", scopes=frozenset({Scope.READ}))
    assert reader.owner_as("ada", scope=Scope.READ) == "ada"
    with pytest.raises(Forbidden):
        reader.owner_as("ada", scope=Scope.WRITE)


def test_a_key_to_read_and_write_with_does_not_erase_and_who_signed_in_does() -> None:
    usual = frozenset({Scope.READ, Scope.WRITE})
    with pytest.raises(Forbidden):
        Principal(user_id="ada", method="test", scopes=usual).owner_as("ada", scope=Scope.ERASE)
    assert Principal(user_id="ada", method="test").owner_as("ada", scope=Scope.ERASE) == "ada"


@pytest.mark.parametrize("user_id", ["ada", "auth0|5f7", "ada@example.org", "1", "Ωmega", "x" * 255])
def test_ids_of_real_systems_are_user_ids(user_id: str) -> None:
    assert checked_user_id(user_id) == user_id


@pytest.mark.parametrize("user_id", ["", "~ada", " ada", "a b", "a/b", "a\nb", "a\x00", "-", "x" * 256])
def test_other_texts_are_none(user_id: str) -> None:
    with pytest.raises(InvalidRequest):
        checked_user_id(user_id)


def test_a_principal_owns_its_own_data_only() -> None:
    ada = Principal(user_id="ada", method="test")
    assert ada.owner_as("ada") == "ada"
    with pytest.raises(Forbidden):
        ada.owner_as("eve")


def test_a_principal_cannot_have_an_impossible_id() -> None:
    with pytest.raises(InvalidRequest):
        Principal(user_id="~x", method="test")


@pytest.mark.parametrize("kind", ChatError.__subclasses__())
def test_every_error_survives_being_recorded(kind: type[ChatError]) -> None:
    failure = Failure.of(kind())
    assert failure.code == kind.code()
    assert failure.retryable is kind.retryable
    assert type(failure.error()) is kind


def test_an_error_of_another_version_is_a_failed_model() -> None:
    assert type(Failure(code="of-the-future", retryable=False).error()) is ModelFailed


def test_codes_and_titles_are_read_off_the_error() -> None:
    assert ConversationBusy.code() == "conversation-busy"
    assert ConversationBusy.title() == "The conversation is busy with another turn"
    assert len(error_kinds()) == len(ChatError.__subclasses__())


@pytest.mark.parametrize(("asked", "told"), [(None, None), (-1, 0), (3, 3), (3600, MAX_RETRY_AFTER)])
def test_nobody_is_told_to_wait_longer_than_a_minute(asked: float | None, told: float | None) -> None:
    assert ConversationBusy(retry_after=asked).retry_after == told


def turn(status: TurnStatus, **parts: object) -> Turn:
    base = Turn(
        id=UUID(int=1),
        conversation_id=UUID(int=2),
        number=1,
        status=status,
        attempt=3,
        fingerprint=None,
        created_at=NOW,
    )
    for name, value in parts.items():
        object.__setattr__(base, name, value)
    return base


FAILURE = Failure(code="model-failed", retryable=True)


@pytest.mark.parametrize(
    ("ended", "ending"),
    [
        (turn(TurnStatus.PENDING), None),
        (turn(TurnStatus.STREAMING), None),
        (turn(TurnStatus.COMPLETED, reply=REPLY, usage=USAGE), Done(message=REPLY, usage=USAGE, attempt=3)),
        (turn(TurnStatus.FAILED, failure=FAILURE), Failed(failure=FAILURE, attempt=3)),
        (turn(TurnStatus.CANCELLED), Cancelled(message=None, attempt=3)),
        (turn(TurnStatus.CANCELLED, reply=REPLY), Cancelled(message=REPLY, attempt=3)),
        (turn(TurnStatus.INTERRUPTED, reply=REPLY), Interrupted(message=REPLY, attempt=3)),
    ],
)
def test_a_recorded_turn_tells_how_it_ended(ended: Turn, ending: object) -> None:
    assert ending_of(ended) == ending


def test_a_completed_turn_without_a_reply_is_a_bug() -> None:
    with pytest.raises(AssertionError, match="without a reply"):
        ending_of(turn(TurnStatus.COMPLETED))
