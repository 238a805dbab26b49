"""The public door: anonymous readers of the textbook, each known only by the secret id of a session."""

from collections.abc import Callable
from dataclasses import replace

from chatcore.chat import Asked, Chat, Question
from chatcore.errors import ConversationNotFound
from chatcore.fair_use import UNBOUNDED, FairUse
from chatcore.prompt import Persona
from chatcore.session import Session

Entropy = Callable[[int], bytes]


class Textbook:
    """Answers readers."""

    def __init__(self, *, chat: Chat, persona: Persona, entropy: Entropy) -> None:
        """Take the chat, who answers, and a source of random bytes fit for secrets."""
        self._chat = chat
        self._persona = persona
        self._entropy = entropy

    async def ask(
        self, session_id: str | None, question: Question, fair_use: FairUse = UNBOUNDED
    ) -> tuple[Session, Asked]:
        """Ask in a session, or in a new one where none is named or none has that id.

        Raises:
            ChatError: as `Chat.ask` does, ConversationNotFound excepted.
        """
        named = Session.parse(session_id) if session_id is not None else None
        if named is not None:
            known = replace(question, conversation_id=named.conversation_id)
            try:
                return named, await self._chat.ask(named.owner, self._persona, known, fair_use=fair_use)
            except ConversationNotFound:
                pass
        fresh = Session.of_key(question.key) if question.key else Session.fresh(self._entropy(32))
        asked = await self._chat.ask(
            fresh.owner, self._persona, question, opens=fresh.conversation_id, fair_use=fair_use
        )
        return fresh, asked
