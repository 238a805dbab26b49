"""`POST /api/{user_id}/chat`: every line of its contract, over a real connection on real PostgreSQL."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest

from adapters.scripted.model import Reply
from chatcore.conversation import Role
from chatcore.errors import (
    ChatError,
    ModelFailed,
    ModelMisconfigured,
    ModelQuotaExhausted,
    ModelRefused,
    ModelTimedOut,
    ModelUnavailable,
    PromptTooLong,
)
from chatcore.turn import Usage
from tests.http.conftest import Serve
from tests.http.served import Served, events, problem, token

CHAT = "/api/alice/chat"
HI = {"message": "Hi"}


def told(server: Served) -> list[tuple[Role, str]]:
    """Return what the model was told last, the system's words left out."""
    return list(server.model.requests[-1].prompt.messages())[1:]


def test_a_question_is_answered_in_a_conversation_of_its_own(serve: Serve) -> None:
    server = serve(Reply(pieces=("Yes.",), usage=Usage(input_tokens=12, output_tokens=2)))
    response = server.client("alice").post(CHAT, json=HI)
    assert response.status_code == 200
    body = response.json()
    assert set(body) == {"conversation_id", "turn_id", "message", "usage"}
    assert UUID(body["conversation_id"])
    assert body["turn_id"] == response.headers["x-turn-id"]
    assert body["usage"] == {"input_tokens": 12, "output_tokens": 2}
    message = body["message"]
    assert (message["role"], message["content"]) == ("assistant", "Yes.")
    assert UUID(message["id"])
    assert message["turn_id"] == body["turn_id"]
    assert datetime.fromisoformat(message["created_at"]).utcoffset() == timedelta(0)


def test_a_conversation_goes_on_with_what_was_said(serve: Serve) -> None:
    server = serve("First.", "Second.")
    client = server.client("alice")
    conversation = client.post(CHAT, json=HI).json()["conversation_id"]
    again = client.post(CHAT, json={"message": "And?", "conversation_id": conversation}).json()
    assert again["conversation_id"] == conversation
    assert told(server) == [(Role.USER, "Hi"), (Role.ASSISTANT, "First."), (Role.USER, "And?")]


def test_selected_text_is_all_that_the_model_is_told(serve: Serve) -> None:
    server = serve("First.", "Second.")
    client = server.client("alice")
    conversation = client.post(CHAT, json=HI).json()["conversation_id"]
    body = {"message": "What?", "conversation_id": conversation, "selected_text": "A joint moves."}
    assert client.post(CHAT, json=body).status_code == 200
    assert told(server) == [(Role.USER, "What?")]
    system = next(server.model.requests[-1].prompt.messages())[1]
    assert "A joint moves." in system


def test_nobody_is_let_in_without_a_valid_token(common: Served) -> None:
    for headers in (
        {},
        {"authorization": "Bearer x"},
        {"authorization": "Basic YWxpY2U6eA=="},
        {"authorization": f"Bearer {token('alice', timedelta(seconds=-60))}"},
    ):
        response = common.client(**headers).post(CHAT, json=HI)
        problem(response, 401, "unauthenticated")
        assert response.headers["www-authenticate"] == "Bearer"


def test_two_tokens_are_none(common: Served) -> None:
    headers = [("authorization", f"Bearer {token('alice')}")] * 2
    problem(common.client().post(CHAT, json=HI, headers=headers), 401, "unauthenticated")


def test_a_token_in_the_query_is_none(common: Served) -> None:
    problem(common.client().post(f"{CHAT}?access_token={token('alice')}", json=HI), 401, "unauthenticated")


def test_a_user_is_let_in_nowhere_else(common: Served) -> None:
    problem(common.client("bob").post(CHAT, json=HI), 403, "forbidden")


@pytest.mark.parametrize("user", ["%20", "%00", "a%20b", "~alice", "%C2%A0", "-", "x" * 256])
def test_a_user_that_cannot_be_is_a_422(common: Served, user: str) -> None:
    response = common.client("alice").post(f"/api/{user}/chat", json=HI)
    assert problem(response, 422, "invalid-request")["errors"][0]["field"] == "user_id"


def test_who_calls_is_asked_first_then_for_whom_and_the_body_last(common: Served) -> None:
    problem(common.client().post("/api/%20/chat", content=b"{"), 401, "unauthenticated")
    problem(common.client("bob").post(CHAT, content=b"{"), 403, "forbidden")
    problem(common.client("alice").post(CHAT, content=b"{"), 415, "media-type-not-supported")


def test_a_foreign_conversation_and_none_cannot_be_told_apart(common: Served) -> None:
    theirs = common.client("bob").post("/api/bob/chat", json=HI).json()["conversation_id"]
    alice = common.client("alice")
    found = [
        problem(
            alice.post(CHAT, json={"message": "Hi", "conversation_id": name}), 404, "conversation-not-found"
        )
        for name in (theirs, str(uuid4()))
    ]
    assert {**found[0], "request_id": ""} == {**found[1], "request_id": ""}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"message": ""},
        {"message": None},
        {"message": 1},
        {"message": "a\0b"},
        {"message": "x" * 32_001},
        {"message": "Hi", "conversation_id": "x"},
        {"message": "Hi", "conversation_id": 1},
        {"message": "Hi", "selected_text": " "},
        {"message": "Hi", "replaces": str(uuid4())},
        {"message": "Hi", "conversationId": str(uuid4())},
    ],
)
def test_an_invalid_body_is_a_422_that_names_the_field(common: Served, body: dict[str, object]) -> None:
    found = problem(common.client("alice").post(CHAT, json=body), 422, "invalid-request")
    assert found["errors"][0]["field"] in {*body, "message", "conversation_id"}


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'{"message":"\xff"}', b'{"message":"\\udfff"}', b"[" * 100_000]
)
def test_a_malformed_body_is_a_422(common: Served, body: bytes) -> None:
    headers = {"content-type": "application/json"}
    problem(common.client("alice").post(CHAT, content=body, headers=headers), 422, "invalid-request")


def test_too_long_a_body_is_a_413_and_another_type_a_415(serve: Serve) -> None:
    client = serve(max_body=100).client("alice")
    problem(client.post(CHAT, json={"message": "x" * 100}), 413, "body-too-large")
    problem(client.post(CHAT, data={"message": "x"}), 415, "media-type-not-supported")


def test_a_busy_conversation_is_a_409_unless_one_waits_or_interrupts(serve: Serve) -> None:
    held = asyncio.Event()
    slow = Reply(pieces=("Sec", "ond."), hold=held, hold_after=1)
    server = serve("First.", slow, "Third.", slow, "Fifth.")
    client, other = server.client("alice"), server.client("alice")
    conversation = client.post(CHAT, json=HI).json()["conversation_id"]
    body = {"message": "Next", "conversation_id": conversation}
    accept = {"accept": "text/event-stream"}
    with client.stream("POST", CHAT, json=body, headers=accept) as stream:
        heard = events(stream)
        assert [next(heard).name for _ in range(2)] == ["turn.accepted", "delta"]
        busy = other.post(CHAT, json=body)
        problem(busy, 409, "conversation-busy")
        assert 1 <= int(busy.headers["retry-after"]) <= 60
        interrupting = other.post(CHAT, json={**body, "on_busy": "interrupt"})
        assert interrupting.json()["message"]["content"] == "Third."
        last = list(heard)[-1]
        assert (last.name, last.data["message"]["content"]) == ("cancelled", "Sec")
    with client.stream("POST", CHAT, json=body, headers=accept) as stream:
        heard = events(stream)
        assert next(heard).name == "turn.accepted"
        server.later(0.3, held)
        with other.stream("POST", CHAT, json={**body, "on_busy": "enqueue"}, headers=accept) as queued:
            # Its headers come once its own turn has begun, so the first one has ended.
            assert queued.status_code == 200
            assert [event.name for event in events(queued)][-1] == "done"


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (ModelFailed(), 502, "model-failed"),
        (ModelRefused(), 502, "model-refused"),
        (ModelMisconfigured(), 502, "model-misconfigured"),
        (ModelQuotaExhausted(), 502, "model-quota-exhausted"),
        (PromptTooLong(), 502, "prompt-too-long"),
        (ModelUnavailable(retry_after=7), 503, "model-unavailable"),
        (ModelTimedOut(), 504, "model-timed-out"),
    ],
)
def test_a_model_that_fails_is_told_by_its_status(
    serve: Serve, error: ChatError, status: int, code: str
) -> None:
    found = problem(serve(error).client("alice").post(CHAT, json=HI), status, code)
    assert found["retryable"] is error.retryable
    assert found.get("retry_after") == ((error.retry_after or 1) if error.retryable else None)


def test_a_database_that_is_away_is_a_503_that_may_be_tried_again(adrift: Served) -> None:
    response = adrift.client("alice").post(CHAT, json=HI)
    assert problem(response, 503, "database-unavailable")["retryable"]
    assert 1 <= int(response.headers["retry-after"]) <= 60
    assert adrift.client().get("/health").status_code == 200


def test_a_full_server_is_a_503_that_may_be_tried_again(serve: Serve) -> None:
    held = asyncio.Event()
    server = serve(Reply(pieces=("Yes.",), hold=held), max_turns=1)
    accept = {"accept": "text/event-stream"}
    with server.client("alice").stream("POST", CHAT, json=HI, headers=accept) as stream:
        heard = events(stream)
        next(heard)
        problem(server.client("bob").post("/api/bob/chat", json=HI), 503, "overloaded")
        server.let(held)
        assert [event.name for event in heard] == ["delta", "done"]


def test_a_key_gives_the_same_reply_byte_for_byte(serve: Serve) -> None:
    server = serve("First.", "Second.")
    client = server.client("alice", **{"idempotency-key": "k"})
    first, again = (client.post(CHAT, json=HI) for _ in range(2))
    assert first.content == again.content
    assert again.headers["idempotency-replayed"] == "true"
    assert len(server.model.requests) == 1


def test_a_key_is_its_users_own(serve: Serve) -> None:
    server = serve("First.", "Second.")
    key = {"idempotency-key": "k"}
    assert server.client("alice", **key).post(CHAT, json=HI).json()["message"]["content"] == "First."
    bob = server.client("bob", **key).post("/api/bob/chat", json={"message": "Ho"})
    assert bob.json()["message"]["content"] == "Second."


def test_a_key_with_another_body_is_a_422(common: Served) -> None:
    client = common.client("alice", **{"idempotency-key": str(uuid4())})
    conversation = client.post(CHAT, json=HI).json()["conversation_id"]
    for other in ({"message": "Ho"}, {"message": "Hi", "conversation_id": conversation}):
        problem(client.post(CHAT, json=other), 422, "idempotency-key-reused")


def test_a_retry_while_the_turn_runs_waits_for_it(serve: Serve) -> None:
    held = asyncio.Event()
    server = serve(Reply(pieces=("Yes.",), hold=held), "Never.")
    key = {"idempotency-key": "k"}
    accept = {"accept": "text/event-stream"}
    with server.client("alice", **key).stream("POST", CHAT, json=HI, headers=accept) as stream:
        heard = events(stream)
        accepted = next(heard)
        server.later(0.3, held)
        retried = server.client("alice", **key).post(CHAT, json=HI)
        assert retried.json()["turn_id"] == accepted.data["turn_id"]
        assert retried.json()["message"]["content"] == "Yes."
        assert [event.name for event in heard] == ["delta", "done"]
    assert len(server.model.requests) == 1


def test_sixteen_first_requests_with_one_key_are_one_turn(serve: Serve) -> None:
    server = serve("Yes.")
    clients = [server.client("alice", **{"idempotency-key": "k"}) for _ in range(16)]
    with ThreadPoolExecutor(16) as pool:
        replies = list(pool.map(lambda client: client.post(CHAT, json=HI).content, clients))
    assert len(set(replies)) == 1
    assert len(server.model.requests) == 1


def test_a_turn_can_be_answered_again(serve: Serve) -> None:
    server = serve("First.", "Another.")
    client = server.client("alice")
    first = client.post(CHAT, json=HI).json()
    body = {"conversation_id": first["conversation_id"], "replaces": first["turn_id"]}
    again = client.post(CHAT, json=body).json()
    assert again["message"]["content"] == "Another."
    assert told(server) == [(Role.USER, "Hi")]
    unknown = {**body, "replaces": str(uuid4())}
    problem(client.post(CHAT, json=unknown), 404, "turn-not-found")
