"""Events become frames, and frames lead back to positions."""

import json
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from typing import cast
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar.types import HTTPReceiveMessage, Scope
from litestar.types import Message as Sent

from chatcore.conversation import Message, Role
from chatcore.errors import ConversationBusy, DatabaseUnavailable, Failure, ModelTimedOut
from chatcore.events import (
    Accepted,
    Cancelled,
    Delta,
    Done,
    Failed,
    Interrupted,
    Position,
    Reset,
    Silence,
    TurnEvent,
)
from chatcore.turn import Usage
from entrypoints.http import problems, wire
from entrypoints.http.place import Place
from entrypoints.http.problems import Problem
from entrypoints.http.sse import PING, Frames, position_of
from entrypoints.http.statuses import ASSISTANT_STATUS, TEXTBOOK_STATUS
from entrypoints.http.stream import EventStream

TURN = UUID("018f6a7e-0000-7000-8000-000000000001")
CONVERSATION = UUID("018f6a7e-0000-7000-8000-000000000002")
MESSAGE = Message(
    id=UUID(int=3),
    turn_id=TURN,
    role=Role.ASSISTANT,
    content="Yes.",
    created_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
)
SHOWN = {
    "id": str(MESSAGE.id),
    "role": "assistant",
    "content": "Yes.",
    "created_at": "2026-01-02T03:04:05Z",
    "turn_id": str(TURN),
}


def judged(error: Exception) -> Problem:
    return Problem(
        type=f"/problems/{type(error).__name__}",
        title="",
        status=500,
        detail="",
        instance="",
        request_id="",
        retryable=False,
    )


def frames(place: Place | None = None, position: Position | None = None) -> Frames:
    place = place or Place(owner="alice", statuses=ASSISTANT_STATUS)
    return Frames(place.accepted, judged, position)


def read(frame: bytes) -> tuple[str, str, object]:
    lines = frame.decode().split("\n")
    assert lines[3:] == ["", ""], "a frame has three lines and ends with an empty one"
    fields = dict(line.split(": ", 1) for line in lines[:3])
    return fields["id"], fields["event"], json.loads(fields["data"])


def delta(text: str, offset: int, attempt: int = 1) -> Delta:
    return Delta(text=text, position=Position(attempt=attempt, offset=offset))


def test_a_user_is_told_the_conversation_and_a_reader_the_session() -> None:
    accepted = Accepted(turn_id=TURN, conversation_id=CONVERSATION, attempt=1)
    reader = Place(owner="~x", statuses=TEXTBOOK_STATUS, session_id="s")
    assert read(frames().frame(accepted)) == (
        "1-0",
        "turn.accepted",
        {"turn_id": str(TURN), "conversation_id": str(CONVERSATION)},
    )
    assert read(frames(reader).frame(accepted))[2] == {"turn_id": str(TURN), "session_id": "s"}


@pytest.mark.parametrize(
    ("event", "name", "data"),
    [
        (delta("Yes", 3), "delta", {"text": "Yes"}),
        (delta('a\nb\r\u2028"\\', 6), "delta", {"text": 'a\nb\r\u2028"\\'}),
        (Reset(attempt=2), "reset", {"attempt": 2}),
        (
            Done(message=MESSAGE, usage=Usage(input_tokens=3, output_tokens=1), attempt=1),
            "done",
            {"message": SHOWN, "usage": {"input_tokens": 3, "output_tokens": 1}},
        ),
        (Cancelled(message=None, attempt=1), "cancelled", {}),
        (Cancelled(message=MESSAGE, attempt=1), "cancelled", {"message": SHOWN}),
        (Interrupted(message=MESSAGE, attempt=1), "interrupted", {"message": SHOWN}),
    ],
)
def test_each_event_has_its_name_and_its_data(event: TurnEvent, name: str, data: object) -> None:
    _, told, found = read(frames().frame(event))
    assert (told, found) == (name, data)


def test_an_estimated_usage_says_so() -> None:
    usage = Usage(input_tokens=3, output_tokens=1, estimated=True)
    _, _, data = read(frames().frame(Done(message=MESSAGE, usage=usage, attempt=1)))
    assert data == {"message": SHOWN, "usage": {"input_tokens": 3, "output_tokens": 1, "estimated": True}}


def test_silence_is_a_comment() -> None:
    assert frames().frame(Silence()) == PING == b": ping\n\n"


def test_a_failure_is_judged_with_the_wait_that_it_asks_for() -> None:
    seen: list[Exception] = []

    def judge(error: Exception) -> Problem:
        seen.append(error)
        return judged(error)

    place = Place(owner="alice", statuses=ASSISTANT_STATUS)
    failed = Failed(failure=Failure.of(ModelTimedOut()), attempt=1, retry_after=7)
    _, name, data = read(Frames(place.accepted, judge, None).frame(failed))
    assert (name, data) == ("error", {"problem": json.loads(problems.encode(judged(seen[0])))})
    assert isinstance(seen[0], ModelTimedOut)
    assert seen[0].retry_after == 7


def test_ids_are_unique_within_a_turn_and_say_where_the_reader_stands() -> None:
    told = frames()
    events: list[TurnEvent] = [
        Accepted(turn_id=TURN, conversation_id=CONVERSATION, attempt=1),
        delta("Ye", 2),
        delta("s.", 4),
        Reset(attempt=2),
        delta("No", 2, attempt=2),
        Done(message=MESSAGE, usage=Usage(input_tokens=1, output_tokens=1), attempt=2),
    ]
    ids = [read(told.frame(event))[0] for event in events]
    assert ids == ["1-0", "1-2", "1-4", "2-0", "2-2", "2-2-end"]
    assert [position_of(name) for name in ids] == [
        Position(attempt=attempt, offset=offset)
        for attempt, offset in ((1, 0), (1, 2), (1, 4), (2, 0), (2, 2), (2, 2))
    ]


def test_an_ending_that_is_none_leads_back_to_where_the_reader_stood() -> None:
    told = frames(position=Position(attempt=1, offset=50))
    away = Failed(failure=Failure.of(DatabaseUnavailable()), attempt=1, retry_after=1)
    last, _, _ = read(told.frame(away))
    assert position_of(last) == Position(attempt=1, offset=50)


def test_an_ending_without_a_word_of_its_attempt_stands_at_its_beginning() -> None:
    assert read(frames().frame(Cancelled(message=None, attempt=3)))[0] == "3-0-end"


def test_a_stream_that_cannot_go_on_ends_with_an_error() -> None:
    told = frames(position=Position(attempt=1, offset=4))
    assert read(told.failure(ConversationBusy()))[:2] == ("1-4-end", "error")


@pytest.mark.parametrize(
    "foolish", ["", "x", "1", "1-", "-1", "1-2-3", "1-2-END", " 1-2", "1-2\n", "٣-٤", "1-9999999999", "+1-2"]
)
def test_a_foolish_id_is_no_position(foolish: str) -> None:
    assert position_of(foolish) is None


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_any_text_goes_through_a_frame_unchanged(text: str) -> None:
    _, _, data = read(frames().frame(delta(text, len(text))))
    assert data == {"text": text}
    assert msg_of(text) == b'{"text":' + wire.encode(text) + b"}"


def msg_of(text: str) -> bytes:
    return wire.encode(wire.DeltaView(text))


@pytest.mark.anyio
async def test_a_reader_who_leaves_before_the_head_is_listened_for_no_longer() -> None:
    listening = True

    async def events() -> AsyncGenerator[TurnEvent, None]:
        nonlocal listening
        try:
            while True:
                yield Silence()
        finally:
            listening = False

    async def gone(_: Sent) -> None:
        raise ConnectionResetError

    heard = events()
    first = await anext(heard)
    stream = EventStream(heard, frames(), first=first)
    with pytest.raises(ConnectionResetError):
        await stream(cast("Scope", {"type": "http", "method": "POST"}), _nothing, gone)
    assert not listening


async def _nothing() -> HTTPReceiveMessage:
    return {"type": "http.disconnect"}
