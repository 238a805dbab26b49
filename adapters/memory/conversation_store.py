"""Conversations in memory."""

from itertools import chain
from uuid import UUID

from adapters.memory import costs
from adapters.memory.state import Belongings, MemoryState, TurnRecord
from chatcore.conversation import Conversation, Message, Page
from chatcore.errors import ConversationNotFound
from chatcore.ports.conversation_store import ConversationStore


class MemoryConversationStore(ConversationStore):
    """Reads and changes conversations that are kept in memory."""

    def __init__(self, state: MemoryState) -> None:
        """Take what is shared with the other stores of this process."""
        self._state = state

    async def conversations(self, owner: str, *, limit: int, before: UUID | None) -> Page[Conversation]:
        """Return conversations, newest first; see the port."""
        mine = self._state.of(owner)
        newest = sorted(mine.conversations.values(), key=lambda conversation: conversation.id, reverse=True)
        older = [conversation for conversation in newest if before is None or conversation.id < before]
        page = tuple(older[:limit])
        return Page(entries=page, next_key=str(page[-1].id) if len(older) > limit else None)

    async def find(self, owner: str, conversation_id: UUID) -> Conversation:
        """Return one conversation; see the port."""
        return _found(self._state.of(owner), conversation_id)

    async def rename(self, owner: str, conversation_id: UUID, title: str) -> Conversation:
        """Give a conversation another title and return it; see the port."""
        mine = self._state.of(owner)
        mine.conversations[conversation_id] = _found(mine, conversation_id).renamed(title)
        return mine.touch(conversation_id, self._state.clock())

    async def delete(self, owner: str, conversation_id: UUID) -> None:
        """Delete a conversation with everything in it; see the port."""
        mine = self._state.of(owner)
        _found(mine, conversation_id)
        for record in list(mine.of_conversation(conversation_id)):
            if self._state.dead(record):
                costs.write_off(mine, record, self._state.clock())
            elif record.status.live:
                mine.account.settle(record.budget_day, record.reserved, 0)
            del mine.turns[record.id]
        del mine.conversations[conversation_id]

    async def messages(
        self, owner: str, conversation_id: UUID, *, limit: int, before: int | None, replaced: bool
    ) -> Page[Message]:
        """Return the newest messages, ascending; see the port."""
        mine = self._state.of(owner)
        _found(mine, conversation_id)
        records = (r for r in mine.of_conversation(conversation_id) if r.active or replaced)
        placed = chain.from_iterable(map(_placed, records))
        older = [(place, message) for place, message in placed if before is None or place < before]
        page = older[-limit:]
        return Page(
            entries=tuple(message for _, message in page),
            next_key=str(page[0][0]) if len(older) > limit else None,
        )


def _found(mine: Belongings, conversation_id: UUID) -> Conversation:
    conversation = mine.conversations.get(conversation_id)
    if conversation is None:
        raise ConversationNotFound
    return conversation


def _placed(record: TurnRecord) -> list[tuple[int, Message]]:
    """Return a turn's messages with their positions in the conversation."""
    question = [(2 * record.number - 1, record.question)]
    return question if record.reply is None else [*question, (2 * record.number, record.reply)]
