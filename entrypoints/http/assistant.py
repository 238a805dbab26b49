"""`POST /api/{user_id}/chat`: the door of users who are known."""

from collections.abc import Sequence

import msgspec
from litestar import post
from litestar.handlers import HTTPRouteHandler
from litestar.types import ASGIApp

from chatcore.chat import Asked, Chat
from chatcore.events import Done
from chatcore.prompt import Persona
from entrypoints.http import wire
from entrypoints.http.answering import Answers, question_of
from entrypoints.http.doorman import AnyRequest, Doorman
from entrypoints.http.fairness import Fairness
from entrypoints.http.place import Place
from entrypoints.http.reading import read_json
from entrypoints.http.routes import Routes
from entrypoints.http.statuses import ASSISTANT_STATUS

_decoder = msgspec.json.Decoder(wire.AssistantQuestion)


class AssistantRoutes(Routes):
    """Answers users in their conversations."""

    def __init__(
        self,
        chat: Chat,
        persona: Persona,
        answers: Answers,
        fairness: Fairness,
        doorman: Doorman,
        limit: int | None,
    ) -> None:
        """Take the chat, who speaks and answers in it, what bounds users, who lets in, the most of a body."""
        self._chat = chat
        self._persona = persona
        self._answers = answers
        self._fairness = fairness
        self._doorman = doorman
        self._limit = limit

    def routes(self) -> Sequence[HTTPRouteHandler]:
        """Return the handlers."""
        return [post("/api/{user_id:str}/chat", status_code=200)(self.ask)]

    async def ask(self, request: AnyRequest) -> ASGIApp:
        """Answer a question, in its conversation or in a new one."""
        place, scope = await self.place_of(request), request.scope
        body = await read_json(_decoder, scope, request.receive, self._limit)
        named = None if body.conversation_id is None else str(body.conversation_id)
        question = question_of(body, scope, body.conversation_id, named)
        fair_use = self._fairness.of_user(scope)
        asked = await self._chat.ask(place.owner, self._persona, question, fair_use=fair_use)
        return await self._answers.to(place, scope, question, asked, _render)

    async def place_of(self, request: AnyRequest) -> Place:
        """Return where the caller's turns are, if it is who the path says."""
        return Place(owner=await self._doorman.owner(request), statuses=ASSISTANT_STATUS)


def _render(asked: Asked, done: Done) -> bytes:
    message, usage = wire.message_view(done.message), wire.usage_view(done.usage)
    return wire.encode(wire.AssistantReply(asked.conversation_id, asked.turn_id, message, usage))
