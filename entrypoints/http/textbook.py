"""`POST /chat`: the public door of the textbook's readers."""

from collections.abc import Sequence

import msgspec
from litestar import post
from litestar.handlers import HTTPRouteHandler
from litestar.types import ASGIApp

from chatcore.chat import Asked
from chatcore.errors import TurnNotFound
from chatcore.events import Done
from chatcore.session import Session
from chatcore.textbook import Textbook
from entrypoints.http import wire
from entrypoints.http.answering import Answers, question_of
from entrypoints.http.doorman import AnyRequest
from entrypoints.http.fairness import Fairness
from entrypoints.http.place import Place
from entrypoints.http.reading import read_json
from entrypoints.http.routes import Routes
from entrypoints.http.statuses import TEXTBOOK_STATUS

_decoder = msgspec.json.Decoder(wire.TextbookQuestion)


class TextbookRoutes(Routes):
    """Answers readers who are known by their session alone."""

    def __init__(self, textbook: Textbook, answers: Answers, fairness: Fairness, limit: int | None) -> None:
        """Take the textbook, who answers for it, what bounds readers, and the most bytes of a body."""
        self._textbook = textbook
        self._answers = answers
        self._fairness = fairness
        self._limit = limit

    def routes(self) -> Sequence[HTTPRouteHandler]:
        """Return the handlers."""
        return [post("/chat", status_code=200)(self.ask)]

    async def ask(self, request: AnyRequest) -> ASGIApp:
        """Answer a question, in its session or in a new one."""
        scope = request.scope
        body = await read_json(_decoder, scope, request.receive, self._limit)
        # A turn to replace is looked for in the session that is named; without one there is none.
        named = Session.parse(body.session_id or "") if body.replaces is not None else None
        if body.replaces is not None and named is None:
            raise TurnNotFound
        question = question_of(body, scope, named.conversation_id if named else None, body.session_id)
        fair_use = self._fairness.of_reader(scope)
        session, asked = await self._textbook.ask(body.session_id, question, fair_use)
        place = place_of(session)

        def render(_: Asked, done: Done) -> bytes:
            message = done.message
            return wire.encode(wire.TextbookReply(message.content, session.id, message.created_at))

        return await self._answers.to(place, scope, question, asked, render)


def place_of(session: Session) -> Place:
    """Return where a session's turns are."""
    return Place(owner=session.owner, statuses=TEXTBOOK_STATUS, session_id=session.id)


async def named_place(request: AnyRequest) -> Place:
    """Return the place that the path's session names.

    Raises:
        TurnNotFound: no session can have that id, so nothing is there.
    """
    session = Session.parse(request.path_params["session_id"])
    if session is None:
        raise TurnNotFound
    return place_of(session)
