"""A user's conversations: listed, shown, renamed, deleted, and their messages page by page."""

import re
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.http.conftest import Serve
from tests.http.served import Served, problem

CHAT = "/api/alice/chat"
LIST = "/api/alice/conversations"
URL_SAFE = re.compile(r"[A-Za-z0-9_.~-]+")


def begin(client: httpx.Client, message: str = "Hi") -> str:
    """Begin a conversation and return its id."""
    return str(client.post(CHAT, json={"message": message}).json()["conversation_id"])


def pages(client: httpx.Client, path: str, limit: int, **more: str) -> list[list[dict[str, Any]]]:
    """Return all pages of a listing."""
    found, cursor = [], None
    while True:
        params = {"limit": str(limit), **more, **({} if cursor is None else {"cursor": cursor})}
        page = client.get(path, params=params).json()
        assert set(page) == {"items", "next_cursor"}
        found.append(page["items"])
        cursor = page["next_cursor"]
        if cursor is None:
            return found
        assert URL_SAFE.fullmatch(cursor)


def test_conversations_are_listed_newest_first(serve: Serve) -> None:
    client = serve().client("alice")
    begun = [begin(client, f"Question {number}") for number in range(5)]
    assert [[one["id"] for one in page] for page in pages(client, LIST, 2)] == [
        [begun[4], begun[3]],
        [begun[2], begun[1]],
        [begun[0]],
    ]
    (newest, *_), *_ = pages(client, LIST, 100)
    assert set(newest) == {"id", "title", "created_at", "updated_at"}
    assert newest["title"] == "Question 4"


def test_nobody_has_conversations_at_first(common: Served) -> None:
    assert common.client("new").get("/api/new/conversations").json() == {"items": [], "next_cursor": None}


def test_a_listing_that_ends_with_its_page_has_no_other(serve: Serve) -> None:
    client = serve().client("alice")
    for _ in range(2):
        begin(client)
    assert client.get(LIST, params={"limit": 2}).json()["next_cursor"] is None


def test_a_cursor_works_with_another_limit(serve: Serve) -> None:
    client = serve().client("alice")
    begun = [begin(client) for _ in range(4)]
    cursor = client.get(LIST, params={"limit": 1}).json()["next_cursor"]
    rest = client.get(f"{LIST}?limit=100&cursor={cursor}").json()
    assert [one["id"] for one in rest["items"]] == begun[2::-1]
    conversation = begun[0]
    for number in range(2):
        client.post(CHAT, json={"message": str(number), "conversation_id": conversation})
    messages = f"{LIST}/{conversation}/messages"
    cursor = client.get(messages, params={"limit": 1}).json()["next_cursor"]
    assert len(client.get(f"{messages}?limit=100&cursor={cursor}").json()["items"]) == 5


@pytest.mark.parametrize("limit", ["0", "-1", "201", "x", "", "1.5", "9999999999999999999999"])
def test_a_foolish_limit_is_a_422(common: Served, limit: str) -> None:
    found = problem(common.client("alice").get(LIST, params={"limit": limit}), 422, "invalid-request")
    assert found["errors"][0]["field"] == "limit"


def test_a_limit_may_be_a_hundred_and_more(common: Served) -> None:
    for limit in (1, 100, 200):
        assert common.client("alice").get(LIST, params={"limit": limit}).status_code == 200


@pytest.mark.parametrize(
    "cursor", ["", "x", "MTA", "%00", "ü", "A" * 5000, "LTE", "OTk5OTk5OTk5OTk5OTk5OTk5OTk5"]
)
def test_a_bad_cursor_is_a_422(common: Served, cursor: str) -> None:
    client = common.client("alice")
    problem(client.get(LIST, params={"cursor": cursor}), 422, "invalid-request")
    if cursor != "MTA":  # which is a message's position
        messages = f"{LIST}/{begin(client)}/messages"
        problem(client.get(messages, params={"cursor": cursor}), 422, "invalid-request")


def test_messages_come_newest_page_first_and_ascend_inside(serve: Serve) -> None:
    client = serve("A0", "A1", "A2").client("alice")
    conversation = begin(client, "Q0")
    for number in (1, 2):
        client.post(CHAT, json={"message": f"Q{number}", "conversation_id": conversation})
    path = f"{LIST}/{conversation}/messages"
    assert [[one["content"] for one in page] for page in pages(client, path, 4)] == [
        ["Q1", "A1", "Q2", "A2"],
        ["Q0", "A0"],
    ]
    question, answer = client.get(path, params={"limit": 2}).json()["items"]
    assert set(question) == {"id", "role", "content", "created_at", "turn_id"}
    assert (question["role"], answer["role"]) == ("user", "assistant")
    assert question["turn_id"] == answer["turn_id"]


def test_replaced_messages_are_shown_on_demand(serve: Serve) -> None:
    client = serve("First.", "Another.").client("alice")
    first = client.post(CHAT, json={"message": "Hi"}).json()
    conversation = first["conversation_id"]
    client.post(CHAT, json={"conversation_id": conversation, "replaces": first["turn_id"]})
    path = f"{LIST}/{conversation}/messages"
    assert [one["content"] for one in client.get(path).json()["items"]] == ["Hi", "Another."]
    all_of_them = client.get(path, params={"replaced": "true"}).json()["items"]
    assert [one["content"] for one in all_of_them] == ["Hi", "First.", "Hi", "Another."]
    problem(client.get(path, params={"replaced": "1"}), 422, "invalid-request")


def test_a_conversation_is_shown_renamed_and_deleted(common: Served) -> None:
    client = common.client("alice")
    path = f"{LIST}/{begin(client)}"
    shown = client.get(path).json()
    assert set(shown) == {"id", "title", "created_at", "updated_at"}
    renamed = client.patch(path, json={"title": "Robots 🤖"})
    assert renamed.status_code == 200
    assert renamed.json() == {**shown, "title": "Robots 🤖", "updated_at": renamed.json()["updated_at"]}
    assert client.get(path).json()["title"] == "Robots 🤖"
    deleted = client.delete(path)
    assert (deleted.status_code, deleted.content) == (204, b"")
    for method in ("GET", "DELETE"):
        problem(client.request(method, path), 404, "conversation-not-found")
    problem(client.patch(path, json={"title": "x"}), 404, "conversation-not-found")
    problem(client.get(path + "/messages"), 404, "conversation-not-found")


@pytest.mark.parametrize(
    "body", [{}, {"title": ""}, {"title": " "}, {"title": 1}, {"title": "x" * 201}, {"title": "\0"}]
)
def test_an_impossible_title_is_a_422(common: Served, body: dict[str, object]) -> None:
    client = common.client("alice")
    found = problem(client.patch(f"{LIST}/{begin(client)}", json=body), 422, "invalid-request")
    assert found["errors"][0]["field"] == "title"


def test_foreign_conversations_and_none_cannot_be_told_apart(common: Served) -> None:
    theirs = common.client("bob").post("/api/bob/chat", json={"message": "Hi"}).json()["conversation_id"]
    client = common.client("alice")
    for name in (theirs, str(uuid4()), "x", "%00", theirs.replace("-", ""), f"urn:uuid:{theirs}"):
        path = f"{LIST}/{name}"
        problem(client.get(path), 404, "conversation-not-found")
        problem(client.patch(path, json={"title": "Mine"}), 404, "conversation-not-found")
        problem(client.delete(path), 404, "conversation-not-found")
        problem(client.get(path + "/messages"), 404, "conversation-not-found")


def test_only_its_user_comes_near_a_conversation(common: Served) -> None:
    path = f"{LIST}/{begin(common.client('alice'))}"
    for method, route in (
        ("GET", LIST),
        ("GET", path),
        ("PATCH", path),
        ("DELETE", path),
        ("GET", path + "/messages"),
    ):
        problem(common.client().request(method, route), 401, "unauthenticated")
        problem(common.client("bob").request(method, route), 403, "forbidden")
