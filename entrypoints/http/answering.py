"""How a question becomes a turn and a turn a response, the same for both doors."""

from collections.abc import Callable
from typing import Protocol
from uuid import UUID

from litestar.types import ASGIApp, Scope

from chatcore.chat import Asked, OnBusy, Question
from chatcore.errors import TurnCancelled, TurnInterrupted
from chatcore.events import Cancelled, Done, Ending, Failed, Interrupted
from chatcore.listen import Listener
from chatcore.turn import fingerprint
from entrypoints.http.fairness import Fairness
from entrypoints.http.place import Place
from entrypoints.http.reading import header, wants_events
from entrypoints.http.replies import Reply
from entrypoints.http.sse import error_of
from entrypoints.http.stream import EventStream

Render = Callable[[Asked, Done], bytes]
"""Given what was asked and how it was answered: the body of the reply."""


class QuestionBody(Protocol):
    """What the bodies of both doors have in common."""

    @property
    def message(self) -> str | None: ...  # noqa: D102
    @property
    def selected_text(self) -> str | None: ...  # noqa: D102
    @property
    def replaces(self) -> UUID | None: ...  # noqa: D102
    @property
    def on_busy(self) -> OnBusy: ...  # noqa: D102


def question_of(body: QuestionBody, scope: Scope, conversation_id: UUID | None, place: str | None) -> Question:
    """Return what a request asks; `place` is the session or conversation as the body named it.

    Raises:
        InvalidRequest: it cannot be asked.
    """
    key = header(scope, b"idempotency-key")
    return Question(
        text=body.message,
        conversation_id=conversation_id,
        selected_text=body.selected_text,
        replaces=body.replaces,
        key=key,
        fingerprint=None if key is None else _meaning(body, place),
        on_busy=body.on_busy,
        streamed=wants_events(scope),
    )


class Answers:
    """Makes responses of accepted questions."""

    def __init__(self, listener: Listener, fairness: Fairness) -> None:
        """Take who hears of turns, and who knows what is left to ask."""
        self._listener = listener
        self._fairness = fairness

    async def to(self, place: Place, scope: Scope, question: Question, asked: Asked, render: Render) -> ASGIApp:
        """Return the response to an accepted question: its events, or its reply once that is there.

        Raises:
            ChatError: there is no reply; the turn's failure is raised as it was recorded.
        """
        turn_id = str(asked.turn_id)
        if place.session_id is None:
            # For whoever notes what was done; of the public door nothing is noted.
            scope["state"]["accepted"] = {"conversation_id": asked.conversation_id, "turn_id": turn_id}
        about = [(b"x-turn-id", turn_id.encode()), *self._fairness.headers(asked.allowance)]
        if asked.replayed:
            about.append((b"idempotency-replayed", b"true"))
        scope["state"]["about"] = about
        if question.streamed:
            events = self._listener.events(place.owner, asked.turn_id, None, asked.live)
            # The first event is taken before the response begins, so that what it raises still has a status.
            first = await anext(events)
            return EventStream(events, place.frames(scope), about, first)
        ending = await self._listener.ending(place.owner, asked.turn_id, asked.live)
        return Reply.json(render(asked, _done(ending)), *about)


def _meaning(body: QuestionBody, place: str | None) -> bytes:
    return fingerprint(
        message=body.message,
        place=place,
        selected_text=body.selected_text,
        replaces=None if body.replaces is None else str(body.replaces),
        on_busy=body.on_busy,
    )


def _done(ending: Ending) -> Done:
    match ending:
        case Done():
            return ending
        case Failed():
            raise error_of(ending)
        case Cancelled():
            raise TurnCancelled
        case Interrupted():
            raise TurnInterrupted
