"""Conversations in PostgreSQL."""

from datetime import datetime
from typing import cast
from uuid import UUID

from adapters.postgres.database import Database
from adapters.postgres.schema_source import statement
from adapters.postgres.wire import Parameter, Row
from chatcore.conversation import Conversation, Message, Page, Role
from chatcore.errors import ConversationNotFound
from chatcore.ports.conversation_store import ConversationStore

_BEYOND = 2**31 - 1
"""A position that no message has."""


class PostgresConversationStore(ConversationStore):
    """Reads and changes conversations in PostgreSQL."""

    def __init__(self, database: Database) -> None:
        """Take an opened database, or one that will be open before the first call."""
        self._database = database
        self._list = statement("conversations/list")
        self._find = statement("conversations/find")
        self._rename = statement("conversations/rename")
        self._delete = statement("conversations/delete")
        self._messages = statement("conversations/messages")

    async def conversations(self, owner: str, *, limit: int, before: UUID | None) -> Page[Conversation]:
        """Return conversations, newest first; see the port."""
        rows = await self._database.call_for(owner, self._list, before, limit + 1)
        page = tuple(_conversation(owner, row) for row in rows[:limit])
        return Page(entries=page, next_key=str(page[-1].id) if len(rows) > limit else None)

    async def find(self, owner: str, conversation_id: UUID) -> Conversation:
        """Return one conversation; see the port."""
        return await self._one(self._find, owner, conversation_id)

    async def rename(self, owner: str, conversation_id: UUID, title: str) -> Conversation:
        """Give a conversation another title and return it; see the port."""
        return await self._one(self._rename, owner, conversation_id, title)

    async def delete(self, owner: str, conversation_id: UUID) -> None:
        """Delete a conversation with everything in it; see the port."""
        ((deleted,),) = await self._database.call_for(owner, self._delete, conversation_id)
        if not deleted:
            raise ConversationNotFound

    async def messages(
        self, owner: str, conversation_id: UUID, *, limit: int, before: int | None, replaced: bool
    ) -> Page[Message]:
        """Return the newest messages, ascending; see the port."""
        below = _BEYOND if before is None else max(min(before, _BEYOND), 0)
        rows = await self._database.call_for(owner, self._messages, conversation_id, below, limit + 1, replaced)
        if rows and rows[0][0] is None:
            raise ConversationNotFound
        page = rows[:limit][::-1]
        return Page(
            entries=tuple(map(_message, page)),
            next_key=str(page[0][0]) if len(rows) > limit else None,
        )

    async def _one(self, sql: bytes, owner: str, *parameters: Parameter) -> Conversation:
        rows = await self._database.call_for(owner, sql, *parameters)
        if not rows:
            raise ConversationNotFound
        return _conversation(owner, rows[0])


def _conversation(owner: str, row: Row) -> Conversation:
    id_, title, created_at, updated_at = cast("tuple[UUID, str, datetime, datetime]", row)
    return Conversation(id=id_, owner=owner, title=title, created_at=created_at, updated_at=updated_at)


def _message(row: Row) -> Message:
    _, id_, turn_id, role, content, created_at = cast("tuple[int, UUID, UUID, str, str, datetime]", row)
    return Message(id=id_, turn_id=turn_id, role=Role(role), content=content, created_at=created_at)
