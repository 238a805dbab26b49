"""Turns by their id: where they stand, and how they are stopped, at both doors."""

import asyncio

import pytest

from adapters.scripted.model import Reply
from chatcore.errors import ModelRefused
from tests.http.conftest import Serve
from tests.http.doors import ASSISTANT, DOORS, TEXTBOOK, Door
from tests.http.served import Served, check_problem, events, problem

STREAM = {"accept": "text/event-stream"}
HI = {"message": "Hi"}

both = pytest.mark.parametrize("door", DOORS, ids=lambda door: door.name)


@both
def test_a_turn_says_where_it_stands_and_what_was_said(serve: Serve, door: Door) -> None:
    held = asyncio.Event()
    server = serve(Reply(pieces=("Yes.",), hold=held))
    client = door.client(server)
    with client.stream("POST", door.ask, json=HI, headers=STREAM) as stream:
        heard = events(stream)
        accepted = next(heard).data
        running = client.get(door.turn(accepted)).json()
        server.let(held)
        done = list(heard)[-1].data
    assert running["status"] in {"pending", "streaming"}
    assert running["message"] is running["usage"] is None
    ended = client.get(door.turn(accepted)).json()
    assert set(ended) == {"turn_id", door.place, "status", "created_at", "message", "usage"}
    assert {**ended, **accepted} == ended
    assert ended["status"] == "completed"
    assert {"message": ended["message"], "usage": ended["usage"]} == done


@pytest.mark.parametrize(("door", "status"), [(ASSISTANT, 502), (TEXTBOOK, 500)], ids=["assistant", "textbook"])
def test_a_failed_turn_says_why(serve: Serve, door: Door, status: int) -> None:
    client = door.client(serve(ModelRefused()))
    with client.stream("POST", door.ask, json=HI, headers=STREAM) as stream:
        accepted, _ = [event.data for event in events(stream)]
    shown = client.get(door.turn(accepted)).json()
    assert (shown["status"], shown["message"]) == ("failed", None)
    check_problem(shown["error"], status, "model-refused")


@both
def test_a_turn_that_fails_is_named_in_whatever_way_it_was_asked_for(serve: Serve, door: Door) -> None:
    server = serve(ModelRefused(), rate_limit="9/minute")
    client = door.client(server, **{"idempotency-key": "k" * 32})
    failed, again = (client.post(door.ask, json=HI) for _ in range(2))
    assert failed.json()["type"] == again.json()["type"] == "/problems/model-refused"
    assert failed.headers["x-turn-id"] == again.headers["x-turn-id"]
    assert failed.headers["ratelimit"].startswith('"caller";r=8')
    assert again.headers["idempotency-replayed"] == "true"
    if door is ASSISTANT:
        shown = client.get(f"/api/alice/turns/{failed.headers['x-turn-id']}").json()
        assert shown["status"] == "failed"


@both
def test_what_never_became_a_turn_names_none(serve: Serve, door: Door) -> None:
    refused = door.client(serve()).post(door.ask, json={"message": ""})
    assert refused.status_code in {400, 422}
    assert "x-turn-id" not in refused.headers


@both
def test_cancelling_stops_a_turn_on_any_server_and_keeps_what_was_said(serve: Serve, door: Door) -> None:
    slow = [Reply(pieces=("One ", "two."), hold=asyncio.Event(), hold_after=1) for _ in range(2)]
    for servers in ((one := serve(slow[0]), one), (serve(slow[1]), serve("Never."))):
        asked, cancelled = servers
        client = door.client(asked)
        with client.stream("POST", door.ask, json=HI, headers=STREAM) as stream:
            heard = events(stream)
            accepted = next(heard).data
            assert next(heard).data == {"text": "One "}
            response = door.client(cancelled).post(door.turn(accepted) + "/cancel")
            assert response.status_code == 202
            assert response.json()["turn_id"] == accepted["turn_id"]
            last = list(heard)[-1]
        assert last.name == "cancelled"
        assert last.data["message"]["content"] == "One "
        ended = client.get(door.turn(accepted)).json()
        assert (ended["status"], ended["message"]) == ("cancelled", last.data["message"])


@both
def test_cancelling_before_the_first_word_leaves_no_message(serve: Serve, door: Door) -> None:
    server = serve(Reply(pieces=("Yes.",), hold=asyncio.Event()))
    client = door.client(server)
    with client.stream("POST", door.ask, json=HI, headers=STREAM) as stream:
        heard = events(stream)
        accepted = next(heard).data
        client.post(door.turn(accepted) + "/cancel")
        (last,) = list(heard)
    assert (last.name, last.data) == ("cancelled", {})
    assert client.get(door.turn(accepted)).json()["message"] is None


@both
def test_a_turn_that_has_ended_is_not_cancelled_any_more(common: Served, door: Door) -> None:
    client = door.client(common)
    with client.stream("POST", door.ask, json=HI, headers=STREAM) as stream:
        accepted = next(iter(list(events(stream)))).data
    for _ in range(2):
        response = client.post(door.turn(accepted) + "/cancel")
        assert response.status_code == 200
        assert response.json()["status"] == "completed"


@both
def test_who_waits_for_the_reply_of_a_cancelled_turn_is_told(serve: Serve, door: Door) -> None:
    server = serve(Reply(pieces=("Yes.",), hold=asyncio.Event()))
    key = {"idempotency-key": "k" * 32}
    with door.client(server, **key).stream("POST", door.ask, json=HI, headers=STREAM) as stream:
        heard = events(stream)
        accepted = next(heard).data
        door.client(server).post(door.turn(accepted) + "/cancel")
        assert [event.name for event in heard] == ["cancelled"]
    problem(door.client(server, **key).post(door.ask, json=HI), 409, "turn-cancelled")


def test_turns_of_users_are_theirs_alone(common: Served) -> None:
    with common.client("alice").stream("POST", ASSISTANT.ask, json=HI, headers=STREAM) as stream:
        turn = ASSISTANT.turn(next(events(stream)).data)
    for path in (turn, turn + "/events"):
        problem(common.client().get(path), 401, "unauthenticated")
        problem(common.client("bob").get(path), 403, "forbidden")
    problem(common.client("bob").post(turn + "/cancel"), 403, "forbidden")


@both
def test_a_turn_has_one_name(common: Served, door: Door) -> None:
    client = door.client(common)
    with client.stream("POST", door.ask, json=HI, headers=STREAM) as stream:
        accepted = next(iter(list(events(stream)))).data
    turn = accepted["turn_id"]
    assert client.get(door.turn(accepted)).status_code == 200
    for other in (turn.replace("-", ""), f"{{{turn}}}", f"urn:uuid:{turn}", turn + "0"):
        problem(client.get(door.turn({**accepted, "turn_id": other})), 404, "turn-not-found")
