"""Nobody reads another's words: every route with every foreign id, and foreign ids look like absent ones."""

import asyncio
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle, islice
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.http.served import Served, token

SECRET_WORDS = "the-words-of-alice"
QUICK, MANY = 1_000, 100_000


@dataclass(frozen=True, slots=True)
class Try:
    """One request that must not succeed."""

    method: str
    path: str
    status: int
    body: dict[str, str] | None = None
    user: str | None = "eve"


@pytest.fixture(scope="module")
def secrets(common: Served) -> dict[str, str]:
    """What Alice has: a conversation, a turn; and what a reader of the textbook has."""
    chat = common.client("alice").post("/api/alice/chat", json={"message": SECRET_WORDS}).json()
    common.client("eve").post("/api/eve/chat", json={"message": "mine"})
    key = {"idempotency-key": str(uuid4()), "accept": "text/event-stream"}
    stream = common.client(**key).post("/chat", json={"message": SECRET_WORDS}).text
    turn = stream.split('"turn_id":"')[1].split('"')[0]
    session = common.client().post("/chat", json={"message": "mine too"}).json()["session_id"]
    return {
        "conversation": chat["conversation_id"],
        "turn": chat["turn_id"],
        "reader's turn": turn,
        "own session": session,
    }


def templates(server: Served) -> Iterator[tuple[str, str]]:
    """Yield method and path of each route that names somebody, read from the document of the routes."""
    paths: dict[str, dict[str, Any]] = server.client().get("/openapi.json").json()["paths"]
    for path, methods in sorted(paths.items()):
        if "{" in path and not path.startswith("/problems/"):
            yield from ((method.upper(), path) for method in methods)


def tries(server: Served, ids: dict[str, str]) -> list[Try]:
    """Return each route as another user, and each as oneself with another user's ids."""
    made: list[Try] = []
    for method, template in templates(server):
        body = _body(method, template)
        if template.startswith("/api/"):
            foreign = _filled(template, "alice", ids["conversation"], ids["turn"])
            made += [Try(method, foreign, 403, body), Try(method, foreign, 401, body, user=None)]
            if "{conversation_id}" in template or "{turn_id}" in template:
                for turn in (ids["turn"], ids["reader's turn"]):
                    made.append(Try(method, _filled(template, "eve", ids["conversation"], turn), 404, body))
        else:
            for turn in (ids["turn"], ids["reader's turn"]):
                path = template.replace("{session_id}", ids["own session"]).replace("{turn_id}", turn)
                made.append(Try(method, path, 404, body, user=None))
    chat = "/api/eve/chat"
    made.append(Try("POST", chat, 404, {"message": "x", "conversation_id": ids["conversation"]}))
    return made


def attempt(clients: dict[str | None, httpx.Client], made: Try) -> httpx.Response:
    return clients[made.user].request(made.method, made.path, json=made.body)


@pytest.fixture(scope="module")
def clients(common: Served) -> dict[str | None, httpx.Client]:
    return {"eve": common.client("eve"), None: common.client()}


def test_every_route_is_tried(common: Served, secrets: dict[str, str]) -> None:
    tried = {(made.method, made.path.split("/")[-1]) for made in tries(common, secrets)}
    assert len(list(templates(common))) >= 12
    assert len(tried) >= 8


def test_no_foreign_words_in_many_attempts(
    common: Served, secrets: dict[str, str], clients: dict[str | None, httpx.Client]
) -> None:
    for made in islice(cycle(tries(common, secrets)), QUICK):
        answer = attempt(clients, made)
        assert answer.status_code == made.status, (made, answer.text)
        assert SECRET_WORDS not in answer.text


def test_alice_still_has_everything(common: Served, secrets: dict[str, str]) -> None:
    alice = common.client("alice")
    messages = alice.get(f"/api/alice/conversations/{secrets['conversation']}/messages").json()["items"]
    assert messages[0]["content"] == SECRET_WORDS
    assert alice.get(f"/api/alice/turns/{secrets['turn']}").json()["status"] == "completed"


def test_a_foreign_id_cannot_be_told_from_an_absent_one(
    common: Served, secrets: dict[str, str], clients: dict[str | None, httpx.Client]
) -> None:
    absent = {"conversation": str(uuid4()), "turn": str(uuid4())}
    for made in tries(common, secrets):
        if made.status != 404 or made.user is None:
            continue
        swapped = Try(made.method, _swapped(made.path, secrets, absent), 404, _swapped_body(made, absent))
        foreign, missing = attempt(clients, made), attempt(clients, swapped)
        assert _told(foreign) == _told(missing)


@pytest.mark.chaos
def test_no_foreign_words_in_a_hundred_thousand_attempts(common: Served, secrets: dict[str, str]) -> None:
    made = tries(common, secrets)
    seen = asyncio.run(_attempt_all(common, made))
    assert seen == {"attempts": MANY, "foreign": 0, "unexpected": 0}


@pytest.mark.chaos
def test_a_foreign_id_takes_as_long_as_an_absent_one(
    secrets: dict[str, str], clients: dict[str | None, httpx.Client]
) -> None:
    path = "/api/eve/conversations/{}/messages"
    times: dict[str, list[float]] = {"foreign": [], "absent": []}
    for _ in range(1_500):
        for kind, name in (("foreign", secrets["conversation"]), ("absent", str(uuid4()))):
            began = time.perf_counter()
            clients["eve"].get(path.format(name))
            times[kind].append(time.perf_counter() - began)
    foreign, absent = (statistics.median(times[kind]) for kind in ("foreign", "absent"))
    assert abs(foreign - absent) / absent < 0.1


async def _attempt_all(server: Served, made: list[Try]) -> dict[str, int]:
    seen = {"attempts": 0, "foreign": 0, "unexpected": 0}
    work = iter(islice(cycle(made), MANY))

    async def worker(client: httpx.AsyncClient) -> None:
        for one in work:
            headers = {} if one.user is None else {"authorization": f"Bearer {token(one.user)}"}
            answer = await client.request(one.method, one.path, json=one.body, headers=headers)
            seen["attempts"] += 1
            seen["foreign"] += SECRET_WORDS in answer.text
            seen["unexpected"] += answer.status_code != one.status

    async with httpx.AsyncClient(base_url=server.url, timeout=30) as client:
        await asyncio.gather(*(worker(client) for _ in range(8)))
    return seen


def _filled(template: str, user: str, conversation: str, turn: str) -> str:
    return (
        template.replace("{user_id}", user)
        .replace("{conversation_id}", conversation)
        .replace("{turn_id}", turn)
    )


def _body(method: str, template: str) -> dict[str, str] | None:
    if method == "PATCH":
        return {"title": "stolen"}
    return {"message": "hello"} if method == "POST" and template.endswith("/chat") else None


def _swapped(path: str, ids: dict[str, str], absent: dict[str, str]) -> str:
    for name in ("turn", "reader's turn"):
        path = path.replace(ids[name], absent["turn"])
    return path.replace(ids["conversation"], absent["conversation"])


def _swapped_body(made: Try, absent: dict[str, str]) -> dict[str, str] | None:
    if made.body is None or "conversation_id" not in made.body:
        return made.body
    return {**made.body, "conversation_id": absent["conversation"]}


def _told(answer: httpx.Response) -> tuple[int, dict[str, Any], set[str]]:
    problem = answer.json()
    for own in ("instance", "request_id"):
        del problem[own]
    return answer.status_code, problem, set(answer.headers)
