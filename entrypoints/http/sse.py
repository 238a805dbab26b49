"""Events of a turn as server-sent events: a pure projection, one event one frame.

Frames follow https://html.spec.whatwg.org/multipage/server-sent-events.html. The id of a frame is where its
reader stands, `attempt-offset` in characters of the reply, with `-end` where the turn has ended. It holds
all that is needed to go on elsewhere.
"""

import re
from collections.abc import Callable
from uuid import UUID

from chatcore.conversation import Message
from chatcore.errors import ChatError
from chatcore.events import (
    Accepted,
    Cancelled,
    Delta,
    Done,
    Ending,
    Failed,
    Interrupted,
    Position,
    Reset,
    Silence,
    TurnEvent,
)
from entrypoints.http import wire
from entrypoints.http.problems import Problem

PING = b": ping\n\n"

_POSITION = re.compile(r"([0-9]{1,9})-([0-9]{1,9})(?:-end)?", re.ASCII)

Accept = Callable[[UUID, UUID], wire.AcceptedView]
"""Given the turn's and the conversation's id: what a door's clients read of an accepted turn."""
Judge = Callable[[Exception], Problem]
"""Given an error: what a door's clients read of it."""


class Frames:
    """Makes the frames of one stream, and remembers where its reader stands."""

    __slots__ = ("_accept", "_attempt", "_judge", "_offset")

    def __init__(self, accept: Accept, judge: Judge, position: Position | None) -> None:
        """Take how the door speaks of accepted and failed turns, and where the reader stands."""
        self._accept = accept
        self._judge = judge
        self._attempt, self._offset = (position.attempt, position.offset) if position else (0, 0)

    def frame(self, event: TurnEvent) -> bytes:
        """Return one event as bytes."""
        match event:
            case Delta(text=text, position=position):
                self._attempt, self._offset = position.attempt, position.offset
                return self._frame(b"delta", b'{"text":%b}' % wire.encode(text))
            case Silence():
                return PING
            case Accepted(turn_id=turn_id, conversation_id=conversation_id, attempt=attempt):
                self._attempt, self._offset = attempt, 0
                return self._frame(b"turn.accepted", wire.encode(self._accept(turn_id, conversation_id)))
            case Reset(attempt=attempt):
                self._attempt, self._offset = attempt, 0
                return self._frame(b"reset", wire.encode(wire.ResetView(attempt)))
            case Done() | Failed() | Cancelled() | Interrupted():
                return self._end(event)

    def failure(self, error: Exception) -> bytes:
        """Return the last frame of a stream that cannot go on."""
        return self._last(b"error", wire.encode(wire.ErrorView(self._judge(error))))

    def _end(self, ending: Ending) -> bytes:
        # A listener that has heard nothing of this attempt stands at its beginning.
        if ending.attempt != self._attempt:
            self._attempt, self._offset = ending.attempt, 0
        match ending:
            case Done(message=message, usage=usage):
                view = wire.DoneView(wire.message_view(message), wire.usage_view(usage))
                return self._last(b"done", wire.encode(view))
            case Failed():
                return self.failure(error_of(ending))
            case Cancelled(message=message):
                return self._last(b"cancelled", _stopped(message))
            case Interrupted(message=message):
                return self._last(b"interrupted", _stopped(message))

    def _frame(self, name: bytes, data: bytes) -> bytes:
        return b"id: %d-%d\nevent: %b\ndata: %b\n\n" % (self._attempt, self._offset, name, data)

    def _last(self, name: bytes, data: bytes) -> bytes:
        return b"id: %d-%d-end\nevent: %b\ndata: %b\n\n" % (self._attempt, self._offset, name, data)


def position_of(last_event_id: str) -> Position | None:
    """Return where the reader of a frame with this id stands; None where no frame has such an id."""
    match = _POSITION.fullmatch(last_event_id)
    return Position(attempt=int(match[1]), offset=int(match[2])) if match else None


def error_of(failed: Failed) -> ChatError:
    """Return the error that a turn failed with, as it would have been raised."""
    error = failed.failure.error()
    error.retry_after = failed.retry_after
    return error


def _stopped(message: Message | None) -> bytes:
    return wire.encode(wire.StoppedView(None if message is None else wire.message_view(message)))
