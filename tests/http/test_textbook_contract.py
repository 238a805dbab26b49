"""`POST /chat`: every line of its contract, over a real connection on real PostgreSQL."""

import asyncio
import re
from datetime import UTC, datetime, timedelta

import httpx
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
from tests.http.conftest import Serve
from tests.http.served import Served, events, problem

OPAQUE = re.compile(r"[A-Za-z0-9_-]{22,}")
"""At least 128 random bits, in a URL without being escaped."""


def asked(server: Served, turn: int = -1) -> list[tuple[Role, str]]:
    """Return what the model was told."""
    return list(server.model.requests[turn].prompt.messages())


def test_a_question_is_answered_in_a_session_of_its_own(server: Served) -> None:
    before = datetime.now(UTC) - timedelta(seconds=5)
    response = server.client().post("/chat", json={"message": "Is a robot a machine?"})
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    body = response.json()
    assert set(body) == {"response", "session_id", "timestamp"}
    assert body["response"] == "Yes, it is."
    assert OPAQUE.fullmatch(body["session_id"])
    assert body["timestamp"].endswith("Z")
    assert before < datetime.fromisoformat(body["timestamp"]) < datetime.now(UTC) + timedelta(seconds=5)


def test_each_question_without_a_session_opens_another_one(common: Served) -> None:
    client = common.client()
    sessions = {client.post("/chat", json={"message": "Hi"}).json()["session_id"] for _ in range(5)}
    assert len(sessions) == 5


def test_a_session_goes_on_with_what_was_said(serve: Serve) -> None:
    server = serve("First.", "Second.")
    client = server.client()
    session = client.post("/chat", json={"message": "One?"}).json()["session_id"]
    again = client.post("/chat", json={"message": "Two?", "session_id": session}).json()
    assert (again["response"], again["session_id"]) == ("Second.", session)
    (system, *rest) = asked(server)
    assert system[0] is Role.SYSTEM
    assert "Physical AI & Humanoid Robotics" in system[1]
    assert rest == [(Role.USER, "One?"), (Role.ASSISTANT, "First."), (Role.USER, "Two?")]


def test_at_most_ten_earlier_messages_are_told_oldest_first(serve: Serve) -> None:
    server = serve(*[f"Answer {number}." for number in range(9)])
    client = server.client()
    session = None
    for number in range(8):
        body = {"message": f"Question {number}?", "session_id": session}
        session = client.post("/chat", json=body).json()["session_id"]
    earlier = [
        line
        for number in range(2, 7)
        for line in ((Role.USER, f"Question {number}?"), (Role.ASSISTANT, f"Answer {number}."))
    ]
    assert asked(server)[1:] == [*earlier, (Role.USER, "Question 7?")]


@pytest.mark.parametrize("unknown", ["A" * 43, "", "x", "a b", "../../etc", "ü" * 50, "x" * 5000])
def test_a_session_that_does_not_exist_is_replaced_by_a_fresh_one(common: Served, unknown: str) -> None:
    response = common.client().post("/chat", json={"message": "Hi", "session_id": unknown})
    assert response.status_code == 200
    fresh = response.json()["session_id"]
    assert OPAQUE.fullmatch(fresh)
    assert fresh != unknown


def test_selected_text_is_all_that_the_model_is_told(serve: Serve) -> None:
    server = serve("First.", "Second.", "Third.")
    client = server.client()
    session = client.post("/chat", json={"message": "Remember the number 42."}).json()["session_id"]
    selected = {"message": "What is it?", "session_id": session, "selected_text": "An actuator moves a joint."}
    assert client.post("/chat", json=selected).status_code == 200
    told = asked(server)
    assert [role for role, _ in told] == [Role.SYSTEM, Role.USER]
    assert "An actuator moves a joint." in told[0][1]
    assert "42" not in told[0][1]
    assert told[1] == (Role.USER, "What is it?")
    client.post("/chat", json={"message": "And now?", "session_id": session})
    assert (Role.USER, "Remember the number 42.") in asked(server)


def test_a_key_gives_the_same_reply_byte_for_byte(serve: Serve) -> None:
    server = serve("First.", "Second.")
    client = server.client()
    key = {"idempotency-key": "k" * 32}
    first = client.post("/chat", json={"message": "Hi"}, headers=key)
    again = client.post("/chat", json={"message": "Hi"}, headers=key)
    assert first.status_code == again.status_code == 200
    assert first.content == again.content
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert len(server.model.requests) == 1


def test_without_a_key_nothing_is_deduplicated(serve: Serve) -> None:
    server = serve("First.", "Second.")
    client = server.client()
    replies = [client.post("/chat", json={"message": "Hi"}).json()["response"] for _ in range(2)]
    assert replies == ["First.", "Second."]


def test_white_space_and_order_do_not_make_another_request(server: Served) -> None:
    client = server.client(**{"idempotency-key": "k" * 32, "content-type": "application/json"})
    first = client.post("/chat", content=b'{"message":"Hi","selected_text":"T"}')
    again = client.post("/chat", content=b'{ "selected_text" : "\\u0054",\n\t"message": "Hi" }')
    assert first.content == again.content
    assert again.headers["idempotency-replayed"] == "true"


@pytest.mark.parametrize(
    "other",
    [{"message": "Ho"}, {"message": "Hi", "selected_text": "T"}, {"message": "Hi", "session_id": "A" * 43}],
)
def test_a_key_with_another_body_is_refused(server: Served, other: dict[str, str]) -> None:
    client = server.client(**{"idempotency-key": "k" * 32})
    client.post("/chat", json={"message": "Hi"})
    problem(client.post("/chat", json=other), 422, "idempotency-key-reused")
    assert len(server.model.requests) == 1


@pytest.mark.parametrize("key", ["", "k" * 256, "k k", "schlüssel", "k\tk"])
def test_a_key_that_is_none_is_refused(common: Served, key: str) -> None:
    response = common.client().post(
        "/chat", json={"message": "Hi"}, headers=[(b"idempotency-key", key.encode())]
    )
    assert problem(response, 400, "invalid-request")["errors"][0]["field"] == "Idempotency-Key"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"message": ""},
        {"message": "  \n"},
        {"message": None},
        {"message": 1},
        {"message": ["Hi"]},
        {"message": "x" * 32_001},
        {"message": "a\0b"},
        {"message": "Hi", "selected_text": ""},
        {"message": "Hi", "selected_text": "x" * 16_001},
        {"message": "Hi", "session_id": 1},
        {"message": "Hi", "on_busy": "wait"},
        {"message": "Hi", "replaces": "x"},
        {"message": "Hi", "sesion_id": "x"},
    ],
)
def test_an_invalid_body_is_a_400_that_names_the_field(common: Served, body: dict[str, object]) -> None:
    found = problem(common.client().post("/chat", json=body), 400, "invalid-request")
    assert found["errors"][0]["field"] in {*body, "message"}


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b'{"message":"\xff"}', b'{"message":"\\ud800"}', b"[" * 100_000]
)
def test_a_malformed_body_is_a_400(common: Served, body: bytes) -> None:
    response = common.client().post("/chat", content=body, headers={"content-type": "application/json"})
    problem(response, 400, "invalid-request")


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_what_is_not_json_is_a_415(common: Served, kind: str) -> None:
    response = common.client().post("/chat", content=b'{"message":"Hi"}', headers={"content-type": kind})
    problem(response, 415, "media-type-not-supported")


def test_too_long_a_body_is_a_413(serve: Serve) -> None:
    server = serve(max_body=1000)
    headers = {"content-type": "application/json"}
    long = b'{"message":"' + b"x" * 1000 + b'"}'
    problem(server.client().post("/chat", content=long, headers=headers), 413, "body-too-large")
    chunked = server.client().post("/chat", content=iter([long]), headers=headers)
    assert "transfer-encoding" in chunked.request.headers
    problem(chunked, 413, "body-too-large")


def test_a_session_is_busy_with_one_question_at_a_time(serve: Serve) -> None:
    held = asyncio.Event()
    server = serve("First.", Reply(pieces=("Sec", "ond."), hold=held, hold_after=1), "Third.")
    client = server.client()
    session = client.post("/chat", json={"message": "One"}).json()["session_id"]
    body = {"message": "Two", "session_id": session}
    with client.stream("POST", "/chat", json=body, headers={"accept": "text/event-stream"}) as stream:
        heard = events(stream)
        assert [next(heard).name for _ in range(2)] == ["turn.accepted", "delta"]
        assert problem(server.client().post("/chat", json=body), 409, "conversation-busy")["retryable"]
        server.let(held)
        assert [event.name for event in heard] == ["delta", "done"]
    assert client.post("/chat", json=body).json()["response"] == "Third."


@pytest.mark.parametrize(
    "text", ["naïve 🤖 \u202e\u0301 \U0001d54f", "a\u2028b\u2029c\x85d", "\ufeff\ufffe", "\x01\x7f"]
)
def test_any_text_goes_round_unchanged(serve: Serve, text: str) -> None:
    server = serve(text)
    response = server.client().post("/chat", json={"message": text})
    assert response.json()["response"] == text
    assert asked(server)[-1] == (Role.USER, text)


def test_a_reply_is_not_to_be_stored_by_anybody(common: Served) -> None:
    response: httpx.Response = common.client().post("/chat", json={"message": "Hi"})
    assert response.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ModelFailed(), "model-failed"),
        (ModelUnavailable(retry_after=7), "model-unavailable"),
        (ModelTimedOut(), "model-timed-out"),
        (ModelRefused(), "model-refused"),
        (ModelQuotaExhausted(), "model-quota-exhausted"),
        (ModelMisconfigured(), "model-misconfigured"),
        (PromptTooLong(), "prompt-too-long"),
    ],
)
def test_a_model_that_fails_is_a_500_that_says_how(serve: Serve, error: ChatError, code: str) -> None:
    server = serve(error)
    found = problem(server.client().post("/chat", json={"message": "Hi"}), 500, code)
    assert found["retryable"] is error.retryable
    assert found.get("retry_after") == ((error.retry_after or 1) if error.retryable else None)


def test_after_a_failure_that_may_pass_the_same_key_runs_the_same_turn_again(serve: Serve) -> None:
    server = serve(ModelUnavailable(), "Now.")
    client = server.client(**{"idempotency-key": "k" * 32})
    failed = client.post("/chat", json={"message": "Hi"})
    problem(failed, 500, "model-unavailable")
    again = client.post("/chat", json={"message": "Hi"})
    assert again.json()["response"] == "Now."
    assert "idempotency-replayed" not in again.headers


@pytest.mark.parametrize("error", [ModelRefused(), PromptTooLong(), ModelQuotaExhausted()])
def test_a_failure_that_cannot_pass_is_replayed(serve: Serve, error: ChatError) -> None:
    server = serve(error, "Never.")
    client = server.client(**{"idempotency-key": "k" * 32})
    first = problem(client.post("/chat", json={"message": "Hi"}), 500, error.code())
    again = problem(client.post("/chat", json={"message": "Hi"}), 500, error.code())
    assert {**first, "request_id": ""} == {**again, "request_id": ""}
    assert len(server.model.requests) == 1


def test_a_database_that_is_away_is_a_500_that_may_be_tried_again(adrift: Served) -> None:
    found = problem(adrift.client().post("/chat", json={"message": "Hi"}), 500, "database-unavailable")
    assert found["retryable"]


def test_a_turn_can_be_answered_again(serve: Serve) -> None:
    server = serve("First.", "Second.", "Another.", "Edited.")
    client = server.client()
    session = client.post("/chat", json={"message": "One"}).json()["session_id"]
    second = client.post("/chat", json={"message": "Two", "session_id": session})
    turn = second.headers["x-turn-id"]
    again = client.post("/chat", json={"session_id": session, "replaces": turn})
    assert again.json()["response"] == "Another."
    assert asked(server)[1:] == [(Role.USER, "One"), (Role.ASSISTANT, "First."), (Role.USER, "Two")]
    edited = {"session_id": session, "replaces": again.headers["x-turn-id"], "message": "Three"}
    assert client.post("/chat", json=edited).json()["response"] == "Edited."
    assert asked(server)[1:] == [(Role.USER, "One"), (Role.ASSISTANT, "First."), (Role.USER, "Three")]


def test_only_a_turn_of_the_session_can_be_answered_again(common: Served) -> None:
    client = common.client()
    first = client.post("/chat", json={"message": "One"})
    turn = first.headers["x-turn-id"]
    elsewhere = client.post("/chat", json={"message": "Two"}).json()["session_id"]
    for session in (elsewhere, "A" * 43, "x", None):
        response = client.post("/chat", json={"session_id": session, "replaces": turn})
        assert response.status_code == 404
        assert response.json()["type"] in {"/problems/turn-not-found", "/problems/conversation-not-found"}
