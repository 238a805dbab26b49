"""What nobody foresaw is a 500 that shows nothing, and a stream's last event."""

from collections.abc import AsyncGenerator, Iterator
from typing import Any
from uuid import UUID

import pytest
from dependency_injector import providers

from adapters.scripted.model import ScriptedLanguageModel
from chatcore.conversation import Conversation, Message, Page
from chatcore.events import Accepted, TurnEvent
from chatcore.ports.conversation_store import ConversationStore
from entrypoints.container import in_memory
from entrypoints.settings import Settings
from tests.http.served import SECRET, Served, check_problem, events, problem, served

INSIDE = "SELECT secret FROM vault"


class Buggy(ConversationStore):
    """Fails at everything in a way that no port allows."""

    async def conversations(self, owner: str, *, limit: int, before: UUID | None) -> Page[Conversation]:
        raise RuntimeError(INSIDE, owner, limit, before)

    async def find(self, owner: str, conversation_id: UUID) -> Conversation:
        raise ValueError(INSIDE, owner, conversation_id)

    async def rename(self, owner: str, conversation_id: UUID, title: str) -> Conversation:
        raise KeyError(INSIDE, owner, conversation_id, title)

    async def delete(self, owner: str, conversation_id: UUID) -> None:
        raise OSError(INSIDE, owner, conversation_id)

    async def messages(
        self, owner: str, conversation_id: UUID, *, limit: int, before: int | None, replaced: bool
    ) -> Page[Message]:
        raise RecursionError(INSIDE, owner, conversation_id, limit, before, replaced)


class BuggyListener:
    """Breaks off after the first event."""

    async def events(self, owner: str, turn_id: UUID, *_: Any) -> AsyncGenerator[TurnEvent, None]:
        yield Accepted(turn_id=turn_id, conversation_id=UUID(int=0), attempt=1)
        raise RuntimeError(INSIDE, owner)


@pytest.fixture
def buggy() -> Iterator[Served]:
    model = ScriptedLanguageModel()
    container = in_memory(Settings(auth_jwt_secret=SECRET), model)
    container.conversations.override(providers.Object(Buggy()))
    container.listener.override(providers.Object(BuggyListener()))
    with served(container, model) as server:
        yield server


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""),
        ("GET", f"/{UUID(int=1)}"),
        ("DELETE", f"/{UUID(int=1)}"),
        ("GET", f"/{UUID(int=1)}/messages"),
    ],
)
def test_a_bug_is_a_500_that_shows_nothing(buggy: Served, method: str, path: str) -> None:
    response = buggy.client("alice").request(method, "/api/alice/conversations" + path)
    found = problem(response, 500, "internal-error")
    assert not found["retryable"]
    assert INSIDE not in response.text
    assert buggy.client().get("/health").status_code == 200


def test_a_stream_that_breaks_off_has_a_last_event(buggy: Served) -> None:
    body, accept = {"message": "Hi"}, {"accept": "text/event-stream"}
    with buggy.client().stream("POST", "/chat", json=body, headers=accept) as stream:
        first, last = events(stream)
    assert (first.name, last.name) == ("turn.accepted", "error")
    check_problem(last.data["problem"], 500, "internal-error")
    assert INSIDE not in str(last.data)
