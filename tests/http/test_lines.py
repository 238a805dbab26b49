"""What is written down of each request, and what never is."""

import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
from dependency_injector import providers
from litestar import Litestar
from litestar.testing import TestClient

from adapters.scripted.model import ScriptedLanguageModel
from chatcore.errors import ModelTimedOut
from entrypoints.container import in_memory
from entrypoints.http import create_app
from entrypoints.settings import Settings
from tests.http.served import SECRET, token
from tests.http.test_bugs import Buggy


@pytest.fixture
def client(lines: io.StringIO) -> Iterator[TestClient[Litestar]]:
    model = ScriptedLanguageModel(("Yes, the vault is open.", ModelTimedOut()))
    container = in_memory(Settings(auth_jwt_secret=SECRET), model)
    container.conversations.override(providers.Object(Buggy()))
    assert lines.getvalue() == ""
    with TestClient(create_app(container), raise_server_exceptions=False) as made:
        yield made


def requests(lines: io.StringIO) -> list[dict[str, Any]]:
    written = [json.loads(line) for line in lines.getvalue().splitlines()]
    return [line for line in written if line["event"] == "request"]


def test_a_request_is_one_line_that_says_who_and_how_it_went(
    client: TestClient[Litestar], lines: io.StringIO
) -> None:
    headers = {"authorization": f"Bearer {token('alice')}", "x-request-id": "r-1"}
    asked = client.post("/api/alice/chat", json={"message": "Is the vault open?"}, headers=headers).json()
    (line,) = requests(lines)
    assert line.pop("milliseconds") >= 0
    assert line.pop("time")
    assert line == {
        "level": "info",
        "event": "request",
        "request_id": "r-1",
        "method": "POST",
        "route": "/api/{user_id}/chat",
        "status": 200,
        "user_id": "alice",
        "resource": {
            "user_id": "alice",
            "conversation_id": asked["conversation_id"],
            "turn_id": asked["turn_id"],
        },
        "problem": None,
        "address": "testclient",
    }


def test_what_was_refused_says_why_and_what_failed_is_a_warning(
    client: TestClient[Litestar], lines: io.StringIO
) -> None:
    client.post("/api/alice/chat", json={})
    client.post("/chat", json={"message": "One"})
    client.post("/chat", json={"message": "Two"})
    assert [(line["level"], line["status"], line["problem"]) for line in requests(lines)] == [
        ("info", 401, "/problems/unauthenticated"),
        ("info", 200, None),
        ("warning", 500, "/problems/model-timed-out"),
    ]


def test_the_line_of_a_turn_has_the_id_of_its_request(client: TestClient[Litestar], lines: io.StringIO) -> None:
    client.post("/chat", json={"message": "Hi"}, headers={"x-request-id": "r-2"})
    written = [json.loads(line) for line in lines.getvalue().splitlines()]
    assert {line["event"]: line["request_id"] for line in written} == {"turn": "r-2", "request": "r-2"}


def test_health_is_not_worth_a_line(client: TestClient[Litestar], lines: io.StringIO) -> None:
    for path in ("/health", "/health/ready", "/metrics"):
        client.get(path)
    assert requests(lines) == []


def test_nothing_that_was_said_and_no_secret_is_written_down(
    client: TestClient[Litestar], lines: io.StringIO
) -> None:
    bearer = token("alice")
    headers = {"authorization": f"Bearer {bearer}", "cookie": "better-auth.session_token=hunter2"}
    session = client.post("/chat", json={"message": "Is the vault open?"}).json()["session_id"]
    client.get(f"/chat/{session}/turns/x?token={bearer}", headers=headers)
    client.post("/api/alice/chat", json={"message": "vault", "title": "vault"}, headers=headers)
    client.get("/api/alice/conversations", headers=headers)
    text = lines.getvalue()
    assert len(requests(lines)) == 4
    for secret in (session, bearer, "vault", "hunter2"):
        assert secret not in text
