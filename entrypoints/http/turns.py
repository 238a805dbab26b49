"""Turns by their id, the same for both doors: where they stand, how they go on, how they are stopped."""

from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID

from litestar import post, route
from litestar.handlers import HTTPRouteHandler
from litestar.types import ASGIApp

from chatcore.chat import Chat
from chatcore.errors import TurnNotFound
from chatcore.listen import Listener
from chatcore.ports.turn_store import TurnStore
from entrypoints.http import wire
from entrypoints.http.doorman import AnyRequest
from entrypoints.http.paths import READ, id_of
from entrypoints.http.place import Place
from entrypoints.http.problems import Unreadable
from entrypoints.http.reading import header
from entrypoints.http.replies import Reply
from entrypoints.http.routes import Routes
from entrypoints.http.sse import position_of
from entrypoints.http.stream import EventStream

Locate = Callable[[AnyRequest], Awaitable[Place]]
"""Given a request: where the turns are that it may touch."""


class TurnRoutes(Routes):
    """Shows, follows and stops turns."""

    def __init__(self, prefix: str, locate: Locate, chat: Chat, listener: Listener, store: TurnStore) -> None:
        """Take the path before `/turns`, where its turns are, and who knows, hears of and stops them."""
        self._prefix = prefix
        self._locate = locate
        self._chat = chat
        self._listener = listener
        self._store = store

    def routes(self) -> Sequence[HTTPRouteHandler]:
        """Return the handlers."""
        turn = f"{self._prefix}/turns/{{turn_id:str}}"
        return [
            route(turn, http_method=READ, status_code=200)(self.show),
            route(f"{turn}/events", http_method=READ, status_code=200)(self.follow),
            post(f"{turn}/cancel", status_code=202)(self.cancel),
        ]

    async def show(self, request: AnyRequest) -> ASGIApp:
        """Show where a turn stands."""
        place = await self._locate(request)
        turn = await self._store.look(place.owner, _turn_id(request))
        return Reply.json(wire.encode(place.turn_view(turn, request.scope)))

    async def follow(self, request: AnyRequest) -> ASGIApp:
        """Send a turn's events, from its beginning or from where the reader stood."""
        place, turn_id = await self._locate(request), _turn_id(request)
        last = header(request.scope, b"last-event-id")
        position = position_of(last) if last else None
        if last and position is None:
            raise Unreadable("Last-Event-ID must be the id of an event.")
        if position is not None:
            await self._store.look(place.owner, turn_id)
        events = self._listener.events(place.owner, turn_id, position)
        # Without a position the first event comes at once, and what hinders it still has a status.
        first = await anext(events) if position is None else None
        return EventStream(events, place.frames(request.scope, position), first=first)

    async def cancel(self, request: AnyRequest) -> ASGIApp:
        """Stop a turn; one that has ended stays as it is."""
        place = await self._locate(request)
        turn = await self._chat.cancel(place.owner, _turn_id(request))
        body = wire.encode(place.turn_view(turn, request.scope))
        return Reply.json(body, status=202 if turn.status.live else 200)


def _turn_id(request: AnyRequest) -> UUID:
    turn_id = id_of(request.path_params["turn_id"])
    if turn_id is None:
        raise TurnNotFound
    return turn_id
