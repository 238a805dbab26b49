"""The two doors as tests see them: where one asks, and where its turns are."""

from dataclasses import dataclass

import httpx

from tests.http.served import Served


@dataclass(frozen=True, slots=True)
class Door:
    """One of the two chats. `place` is the name of what a turn happens in."""

    name: str
    ask: str
    place: str

    def client(self, server: Served, **headers: str) -> httpx.Client:
        """Return a client that is let in."""
        return server.client("alice" if self.name == "assistant" else None, **headers)

    def turn(self, accepted: dict[str, str]) -> str:
        """Return the path of a turn, given what was told when it was accepted."""
        where = "/api/alice" if self.name == "assistant" else f"/chat/{accepted['session_id']}"
        return f"{where}/turns/{accepted['turn_id']}"


ASSISTANT = Door("assistant", "/api/alice/chat", "conversation_id")
TEXTBOOK = Door("textbook", "/chat", "session_id")
DOORS = [ASSISTANT, TEXTBOOK]
