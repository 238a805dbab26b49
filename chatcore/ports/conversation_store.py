"""The port through which conversations are read and kept in order."""

from abc import abstractmethod
from typing import Protocol
from uuid import UUID

from chatcore.conversation import Conversation, Message, Page


class ConversationStore(Protocol):
    """Reads and changes conversations of one owner at a time; raises DatabaseUnavailable where it cannot."""

    @abstractmethod
    async def conversations(self, owner: str, *, limit: int, before: UUID | None) -> Page[Conversation]:
        """Return conversations, newest first, those older than `before` where it is given.

        `next_key` is the id to give as `before` for the next page.
        """

    @abstractmethod
    async def find(self, owner: str, conversation_id: UUID) -> Conversation:
        """Return one conversation.

        Raises:
            ConversationNotFound: this owner has none of that id.
        """

    @abstractmethod
    async def rename(self, owner: str, conversation_id: UUID, title: str) -> Conversation:
        """Give a conversation another title and return it.

        Raises:
            ConversationNotFound: this owner has none of that id.
        """

    @abstractmethod
    async def delete(self, owner: str, conversation_id: UUID) -> None:
        """Delete a conversation with everything in it; a turn that runs in it loses its lease.

        Raises:
            ConversationNotFound: this owner has none of that id.
        """

    @abstractmethod
    async def messages(
        self, owner: str, conversation_id: UUID, *, limit: int, before: int | None, replaced: bool
    ) -> Page[Message]:
        """Return the newest messages, ascending, those at positions below `before` where it is given.

        Messages of the active path, with `replaced` those of replaced turns too. `next_key` is the position,
        in decimal, to give as `before` for the page of older ones. A partial reply that is not (yet)
        recorded as a message is not among them.

        Raises:
            ConversationNotFound: this owner has none of that id.
        """
