"""A user's conversations: listed, shown, renamed, deleted, and their messages page by page."""

from collections.abc import Sequence
from uuid import UUID

import msgspec
from litestar import delete, patch, route
from litestar.handlers import HTTPRouteHandler
from litestar.types import ASGIApp

from chatcore.conversation import LONGEST_TITLE
from chatcore.errors import ConversationNotFound
from chatcore.ports.conversation_store import ConversationStore
from chatcore.text import checked
from entrypoints.http import wire
from entrypoints.http.cursors import conversation_before, cursor_of, position_before
from entrypoints.http.doorman import AnyRequest, Doorman
from entrypoints.http.paths import READ, id_of
from entrypoints.http.reading import flag, page_size, query, read_json
from entrypoints.http.replies import NO_STORE, Reply
from entrypoints.http.routes import Routes

LONGEST_PAGE = 200
CONVERSATIONS = 20
MESSAGES = 50
"""How long a page is if its length is not asked for."""

_LISTING = "/api/{user_id:str}/conversations"
_ONE = _LISTING + "/{conversation_id:str}"
_decoder = msgspec.json.Decoder(wire.Rename)


class ConversationRoutes(Routes):
    """Shows users what they said and what was replied."""

    def __init__(self, store: ConversationStore, doorman: Doorman, limit: int | None) -> None:
        """Take where conversations are, who lets in, and the most bytes that a body may have."""
        self._store = store
        self._doorman = doorman
        self._limit = limit

    def routes(self) -> Sequence[HTTPRouteHandler]:
        """Return the handlers."""
        return [
            route(_LISTING, http_method=READ, status_code=200)(self.listing),
            route(_ONE, http_method=READ, status_code=200)(self.show),
            patch(_ONE)(self.rename),
            delete(_ONE, status_code=200)(self.delete),  # Litestar wants no result for 204; the reply says it
            route(f"{_ONE}/messages", http_method=READ, status_code=200)(self.messages),
        ]

    async def listing(self, request: AnyRequest) -> ASGIApp:
        """List conversations, newest first."""
        owner, scope = await self._doorman.owner(request), request.scope
        limit = page_size(scope, default=CONVERSATIONS, most=LONGEST_PAGE)
        before = conversation_before(query(scope, "cursor"))
        page = await self._store.conversations(owner, limit=limit, before=before)
        views = [wire.conversation_view(conversation) for conversation in page.entries]
        return Reply.json(wire.encode(wire.PageView(views, cursor_of(page.next_key))))

    async def show(self, request: AnyRequest) -> ASGIApp:
        """Show one conversation."""
        owner = await self._doorman.owner(request)
        conversation = await self._store.find(owner, _conversation_id(request))
        return Reply.json(wire.encode(wire.conversation_view(conversation)))

    async def rename(self, request: AnyRequest) -> ASGIApp:
        """Give a conversation another title."""
        owner, conversation_id = await self._doorman.owner(request), _conversation_id(request)
        body = await read_json(_decoder, request.scope, request.receive, self._limit)
        title = checked("title", body.title, longest=LONGEST_TITLE)
        conversation = await self._store.rename(owner, conversation_id, title)
        return Reply.json(wire.encode(wire.conversation_view(conversation)))

    async def delete(self, request: AnyRequest) -> ASGIApp:
        """Delete a conversation with everything in it."""
        owner = await self._doorman.owner(request)
        await self._store.delete(owner, _conversation_id(request))
        return Reply(204, b"", (NO_STORE,))

    async def messages(self, request: AnyRequest) -> ASGIApp:
        """List the messages of a conversation, the newest page first, ascending inside."""
        owner, scope = await self._doorman.owner(request), request.scope
        page = await self._store.messages(
            owner,
            _conversation_id(request),
            limit=page_size(scope, default=MESSAGES, most=LONGEST_PAGE),
            before=position_before(query(scope, "cursor")),
            replaced=flag(scope, "replaced"),
        )
        views = [wire.message_view(message) for message in page.entries]
        return Reply.json(wire.encode(wire.PageView(views, cursor_of(page.next_key))))


def _conversation_id(request: AnyRequest) -> UUID:
    conversation_id = id_of(request.path_params["conversation_id"])
    if conversation_id is None:
        raise ConversationNotFound
    return conversation_id
