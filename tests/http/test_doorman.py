"""What a request brings to say who it is from, and what a key that is for reading only may do."""

from collections.abc import Iterator

import httpx
import pytest
from dependency_injector import providers

from adapters.scripted.model import ScriptedLanguageModel
from chatcore.errors import Unauthenticated
from chatcore.ports.authenticator import Authenticator, Credentials
from chatcore.principal import Principal, Scope
from entrypoints.container import in_memory
from entrypoints.settings import Settings
from tests.http.served import SECRET, Served, problem, served


class Remembering(Authenticator):
    """Lets everybody in as alice, and remembers what they brought."""

    def __init__(self) -> None:
        self.seen: list[Credentials] = []
        self.scopes = frozenset(Scope)

    async def authenticate(self, credentials: Credentials) -> Principal:
        self.seen.append(credentials)
        if "who" in credentials.cookies:
            raise Unauthenticated
        return Principal(user_id="alice", method="test", scopes=self.scopes)


@pytest.fixture(scope="module")
def authenticator() -> Remembering:
    return Remembering()


@pytest.fixture(scope="module")
def server(authenticator: Remembering) -> Iterator[Served]:
    model = ScriptedLanguageModel()
    container = in_memory(Settings(auth_jwt_secret=SECRET), model)
    container.authenticator.override(providers.Object(authenticator))
    with served(container, model) as running:
        yield running


def brought(server: Served, authenticator: Remembering, *headers: tuple[str, str]) -> Credentials:
    server.client().get("/api/alice/conversations", headers=list(headers))
    return authenticator.seen[-1]


def test_nothing_is_brought(server: Served, authenticator: Remembering) -> None:
    assert brought(server, authenticator) == Credentials(cookies={})


def test_every_authorization_header_is_shown(server: Served, authenticator: Remembering) -> None:
    both = (("authorization", "Bearer a"), ("Authorization", "Bearer b"))
    assert brought(server, authenticator, *both).authorization == ("Bearer a", "Bearer b")


def test_cookies_are_read_and_of_two_with_a_name_the_first_counts(
    server: Served, authenticator: Remembering
) -> None:
    lines = (("cookie", 'a=1; better-auth.session_token=x.y%3D; a=2; odd; q="v"'), ("cookie", "b=3; a=4"))
    assert brought(server, authenticator, *lines).cookies == {
        "a": "1",
        "better-auth.session_token": "x.y%3D",
        "q": "v",
        "b": "3",
    }


def test_the_origin_is_shown(server: Served, authenticator: Remembering) -> None:
    assert brought(server, authenticator, ("origin", "https://x.example")).origin == "https://x.example"


def test_a_key_for_reading_reads_and_does_no_more(server: Served, authenticator: Remembering) -> None:
    client = server.client()
    turn = client.post("/api/alice/chat", json={"message": "Hi"}).json()
    conversation = f"/api/alice/conversations/{turn['conversation_id']}"
    authenticator.scopes = frozenset({Scope.READ})
    try:
        for path in (conversation, conversation + "/messages", f"/api/alice/turns/{turn['turn_id']}"):
            assert client.get(path).status_code == client.head(path).status_code == 200
        for response in writes(client, conversation, turn["turn_id"]):
            problem(response, 403, "forbidden")
    finally:
        authenticator.scopes = frozenset(Scope)


def test_a_key_for_writing_does_not_read(server: Served, authenticator: Remembering) -> None:
    authenticator.scopes = frozenset({Scope.WRITE})
    try:
        problem(server.client().get("/api/alice/conversations"), 403, "forbidden")
        assert server.client().post("/api/alice/chat", json={"message": "Hi"}).status_code == 200
    finally:
        authenticator.scopes = frozenset(Scope)


def writes(client: httpx.Client, conversation: str, turn: str) -> Iterator[httpx.Response]:
    yield client.post("/api/alice/chat", json={"message": "Hi"})
    yield client.patch(conversation, json={"title": "x"})
    yield client.delete(conversation)
    yield client.post(f"/api/alice/turns/{turn}/cancel")
