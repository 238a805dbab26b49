"""Streams: their grammar, their promises, and how they go on after they were cut, on another server too."""

import asyncio
import socket
from uuid import UUID, uuid4

import httpx
import pytest

from adapters.scripted.model import Reply
from chatcore.errors import ModelTimedOut, ModelUnavailable
from chatcore.listen import Pace
from tests.http.conftest import Serve
from tests.http.doors import ASSISTANT, DOORS, TEXTBOOK, Door
from tests.http.served import Event, Served, check_problem, events, problem, wait_until

STREAM = {"accept": "text/event-stream"}
HI = {"message": "Hi"}
TEXT = "Ein Roboter: 🤖, naïve — \u2028 done."

both = pytest.mark.parametrize("door", DOORS, ids=lambda door: door.name)


def heard(client: httpx.Client, method: str, path: str, **more: object) -> list[Event]:
    """Return all events of a stream."""
    with client.stream(method, path, **more) as stream:  # type: ignore[arg-type]
        assert stream.status_code == 200, stream.read()
        return list(events(stream))


def text_of(told: list[Event]) -> str:
    return "".join(event.data["text"] for event in told if event.name == "delta")


@both
def test_a_stream_is_accepted_then_spoken_then_done(serve: Serve, door: Door) -> None:
    server = serve(TEXT)
    told = heard(door.client(server), "POST", door.ask, json=HI, headers=STREAM)
    assert {event.name for event in told[1:-1]} == {"delta"}
    assert set(told[0].data) == {"turn_id", door.place}
    assert (told[0].name, told[-1].name) == ("turn.accepted", "done")
    assert set(told[-1].data) == {"message", "usage"}
    assert text_of(told) == told[-1].data["message"]["content"] == TEXT
    assert len({event.id for event in told}) == len(told)


@both
def test_a_stream_has_the_headers_that_let_it_through_proxies(common: Served, door: Door) -> None:
    with door.client(common).stream("POST", door.ask, json=HI, headers=STREAM) as stream:
        assert stream.headers["content-type"] == "text/event-stream"
        assert stream.headers["cache-control"] == "no-cache, no-transform"
        assert stream.headers["x-accel-buffering"] == "no"
        assert stream.headers["x-request-id"]
        assert next(events(stream)).data["turn_id"] == stream.headers["x-turn-id"]


@both
def test_each_piece_is_sent_when_it_comes(serve: Serve, door: Door) -> None:
    held = asyncio.Event()
    server = serve(Reply(pieces=("One ", "two."), hold=held, hold_after=1))
    with door.client(server).stream("POST", door.ask, json=HI, headers=STREAM) as stream:
        told = events(stream)
        assert [next(told).name, next(told).data] == ["turn.accepted", {"text": "One "}]
        server.let(held)
        assert next(told).data == {"text": "two."}
        assert [event.name for event in told] == ["done"]


@both
def test_what_can_be_refused_is_refused_before_the_first_byte(common: Served, door: Door) -> None:
    client = door.client(common)
    status = 422 if door is ASSISTANT else 400
    problem(client.post(door.ask, json={"message": ""}, headers=STREAM), status, "invalid-request")
    problem(common.client().post("/api/alice/chat", json=HI, headers=STREAM), 401, "unauthenticated")
    key = {**STREAM, "idempotency-key": str(uuid4())}
    heard(client, "POST", door.ask, json=HI, headers=key)
    reused = client.post(door.ask, json={"message": "Ho"}, headers=key)
    problem(reused, 422, "idempotency-key-reused")


@pytest.mark.parametrize(("door", "status"), [(ASSISTANT, 504), (TEXTBOOK, 500)], ids=["assistant", "textbook"])
def test_a_failure_is_an_event_with_the_doors_own_status(serve: Serve, door: Door, status: int) -> None:
    server = serve(Reply(pieces=("Half",), error=ModelTimedOut()))
    told = heard(door.client(server), "POST", door.ask, json=HI, headers={**STREAM, "x-request-id": "r-1"})
    assert [event.name for event in told] == ["turn.accepted", "delta", "error"]
    assert set(told[-1].data) == {"problem"}
    found = told[-1].data["problem"]
    check_problem(found, status, "model-timed-out")
    assert (found["request_id"], found["instance"]) == ("r-1", door.ask)


@both
def test_a_replayed_turn_is_told_again(serve: Serve, door: Door) -> None:
    server = serve(TEXT, "Never.")
    client = door.client(server, **{"idempotency-key": "k" * 32})
    first = heard(client, "POST", door.ask, json=HI, headers=STREAM)
    with client.stream("POST", door.ask, json=HI, headers=STREAM) as stream:
        assert stream.headers["idempotency-replayed"] == "true"
        again = list(events(stream))
    assert (again[0].data, again[-1].data) == (first[0].data, first[-1].data)
    assert text_of(again) == TEXT
    plain = client.post(door.ask, json=HI)
    assert plain.headers["idempotency-replayed"] == "true"
    assert TEXT in plain.text


@both
def test_a_stream_goes_on_after_every_event_on_another_server(serve: Serve, door: Door) -> None:
    one, other = serve(TEXT), serve("Never.")
    told = heard(door.client(one), "POST", door.ask, json=HI, headers=STREAM)
    path = door.turn(told[0].data) + "/events"
    for place, event in enumerate(told):
        rest = heard(door.client(other), "GET", path, headers={"last-event-id": event.id})
        assert text_of(told[: place + 1]) + text_of(rest) == TEXT
        assert rest[-1].name == "done"
        assert rest[-1].data == told[-1].data
        assert not {one.id for one in told[: place + 1] if one.name != "done"} & {one.id for one in rest}
    assert [event.name for event in rest] == ["done"], "after the end there is only the end"


@both
def test_a_stream_can_be_followed_while_it_runs_on_another_server(serve: Serve, door: Door) -> None:
    held = asyncio.Event()
    one = serve(Reply(pieces=("One ", "two ", "three."), hold=held, hold_after=2))
    other = serve("Never.")
    with door.client(one).stream("POST", door.ask, json=HI, headers=STREAM) as first:
        told = events(first)
        accepted = next(told)
        path = door.turn(accepted.data) + "/events"
        with door.client(other).stream("GET", path) as second:
            followed = events(second)
            assert next(followed) == accepted
            one.later(0.5, held)
            rest = list(followed)
        assert text_of(rest) == "One two three."
        assert rest[-1] == list(told)[-1]


@both
def test_a_turn_without_a_last_event_id_is_told_from_its_beginning(common: Served, door: Door) -> None:
    client = door.client(common)
    told = heard(client, "POST", door.ask, json=HI, headers=STREAM)
    again = heard(client, "GET", door.turn(told[0].data) + "/events")
    assert (again[0], again[-1], text_of(again)) == (told[0], told[-1], text_of(told))


@both
@pytest.mark.parametrize("foolish", ["x", "1", "1-x", "-1-0", "1-99999999999999999999", "1 - 0", "null"])
def test_a_foolish_last_event_id_is_a_400(common: Served, door: Door, foolish: str) -> None:
    client = door.client(common)
    told = heard(client, "POST", door.ask, json=HI, headers=STREAM)
    response = client.get(door.turn(told[0].data) + "/events", headers={"last-event-id": foolish})
    told_of = problem(response, 400, "bad-request")
    assert told_of["detail"] == "Last-Event-ID must be the id of an event."


@both
def test_an_id_of_another_attempt_voids_what_was_shown(common: Served, door: Door) -> None:
    client = door.client(common)
    told = heard(client, "POST", door.ask, json=HI, headers=STREAM)
    again = heard(client, "GET", door.turn(told[0].data) + "/events", headers={"last-event-id": "7-3"})
    assert (again[0].name, again[-1].name) == ("reset", "done")
    assert text_of(again) == text_of(told)


@both
def test_an_id_past_the_end_of_the_reply_voids_what_was_shown(common: Served, door: Door) -> None:
    client = door.client(common)
    told = heard(client, "POST", door.ask, json=HI, headers=STREAM)
    again = heard(client, "GET", door.turn(told[0].data) + "/events", headers={"last-event-id": "1-99999"})
    assert (again[0].name, again[-1].name) == ("reset", "done")
    assert text_of(again) == text_of(told)


@both
def test_after_a_failed_attempt_the_reader_is_told_to_reset(serve: Serve, door: Door) -> None:
    server = serve(Reply(pieces=("Half",), error=ModelUnavailable()), "Whole.")
    client = door.client(server, **{"idempotency-key": "k" * 32})
    first = heard(client, "POST", door.ask, json=HI, headers=STREAM)
    assert first[-1].name == "error"
    again = heard(client, "POST", door.ask, json=HI, headers=STREAM)
    assert again[0].data == first[0].data
    path = door.turn(first[0].data) + "/events"
    rest = heard(client, "GET", path, headers={"last-event-id": first[-1].id})
    assert [event.name for event in rest][:1] == ["reset"]
    assert text_of(rest) == "Whole."
    assert not {event.id for event in first} & {event.id for event in rest}


@both
def test_a_reader_that_leaves_does_not_stop_the_turn(serve: Serve, door: Door) -> None:
    held = asyncio.Event()
    server = serve(Reply(pieces=("One ", "two."), hold=held, hold_after=1))
    client = door.client(server)
    with client.stream("POST", door.ask, json=HI, headers=STREAM) as stream:
        accepted = next(events(stream)).data
    server.let(held)
    wait_until(lambda: client.get(door.turn(accepted)).json()["status"] == "completed")
    assert client.get(door.turn(accepted)).json()["message"]["content"] == "One two."


def test_a_caller_that_does_not_wait_for_its_reply_does_not_stop_the_turn(serve: Serve) -> None:
    held = asyncio.Event()
    server = serve(Reply(pieces=("Yes.",), hold=held))
    client = server.client("alice")
    with pytest.raises(httpx.ReadTimeout):
        client.post(ASSISTANT.ask, json=HI, headers={"idempotency-key": "k"}, timeout=0.3)
    server.let(held)
    reply = client.post(ASSISTANT.ask, json=HI, headers={"idempotency-key": "k"})
    assert reply.json()["message"]["content"] == "Yes."
    assert len(server.model.requests) == 1


def test_readers_that_left_are_not_kept(serve: Serve) -> None:
    held = asyncio.Event()
    server = serve(Reply(pieces=("One ", "two."), hold=held, hold_after=1))
    hurry(server)
    before = tasks(server)
    with server.client("alice").stream("POST", ASSISTANT.ask, json=HI, headers=STREAM) as stream:
        path = ASSISTANT.turn(next(events(stream)).data) + "/events"
        for _ in range(10):
            with server.client("alice").stream("GET", path) as other:
                assert next(events(other)).name == "turn.accepted"
    wait_until(lambda: tasks(server) <= before + 1)  # the turn itself goes on
    server.let(held)
    wait_until(lambda: tasks(server) <= before)


def test_silence_is_broken_by_a_comment(serve: Serve) -> None:
    held = asyncio.Event()
    server = serve(Reply(pieces=("Yes.",), hold=held))
    hurry(server)
    with server.client("alice").stream("POST", ASSISTANT.ask, json=HI, headers=STREAM) as stream:
        raw = b""
        for part in stream.iter_raw():
            raw += part
            if raw.count(b": ping\n\n") == 2:
                break
        assert raw.startswith(b"id: 1-0\nevent: turn.accepted\n")
    server.let(held)


def test_pings_come_at_least_every_fifteen_seconds() -> None:
    assert Pace().silence + Pace().look <= 15


def test_one_event_is_one_chunk(serve: Serve) -> None:
    held = asyncio.Event()
    server = serve(Reply(pieces=("Yes.",), hold=held))
    body = b'{"message":"Hi"}'
    head = b"POST /chat HTTP/1.1\r\nhost: x\r\naccept: text/event-stream\r\ncontent-type: application/json\r\n"
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(head + b"content-length: %d\r\n\r\n%b" % (len(body), body))
        server.later(0.3, held)
        raw = b""
        while part := connection.recv(65536):
            raw += part
            if raw.endswith(b"0\r\n\r\n"):
                break
    chunked = raw.partition(b"\r\n\r\n")[2]
    frames = []
    while chunked != b"0\r\n\r\n":
        size, _, chunked = chunked.partition(b"\r\n")
        frames.append(chunked[: int(size, 16)])
        chunked = chunked[int(size, 16) + 2 :]
    assert [frame.split(b"\n")[1] for frame in frames] == [
        b"event: turn.accepted",
        b"event: delta",
        b"event: done",
    ]
    assert all(frame.endswith(b"\n\n") and frame.count(b"\n\n") == 1 for frame in frames)


@both
def test_a_foreign_turn_and_none_cannot_be_told_apart(common: Served, door: Door) -> None:
    theirs = heard(common.client("bob"), "POST", "/api/bob/chat", json=HI, headers=STREAM)[0].data["turn_id"]
    client = door.client(common)
    mine = heard(client, "POST", door.ask, json=HI, headers=STREAM)[0].data
    for name in (theirs, str(uuid4()), "x", "%00", str(UUID(theirs).urn), theirs.replace("-", "")):
        path = door.turn({**mine, "turn_id": name})
        for method, route in (("GET", path), ("GET", path + "/events"), ("POST", path + "/cancel")):
            for headers in ({}, {"last-event-id": "1-0"}):
                problem(client.request(method, route, headers=headers), 404, "turn-not-found")


def test_a_session_that_cannot_be_has_no_turns(common: Served) -> None:
    for session in ("x", "A" * 43, "%00", "~" * 43):
        problem(common.client().get(f"/chat/{session}/turns/{uuid4()}"), 404, "turn-not-found")


def test_a_stream_of_a_conversation_that_is_deleted_ends_with_a_last_event(serve: Serve) -> None:
    door, held = ASSISTANT, asyncio.Event()
    server, other = serve(Reply(pieces=("One ", "two."), hold=held, hold_after=1)), serve("Never.")
    client = door.client(server)
    with client.stream("POST", door.ask, json=HI, headers=STREAM) as stream:
        accepted = next(events(stream)).data
        with door.client(other).stream("GET", door.turn(accepted) + "/events") as followed:
            told = events(followed)
            next(told)
            conversation = f"/api/alice/conversations/{accepted['conversation_id']}"
            assert door.client(other).delete(conversation).status_code == 204
            last = list(told)[-1]
            assert last.name == "error"
            check_problem(last.data["problem"], 404, "turn-not-found")
    server.let(held)


def hurry(server: Served) -> None:
    """Have the server's listeners mention each silence quickly."""
    server.container.listener()._pace = Pace(silence=0.1, look=0.05)


def tasks(server: Served) -> int:
    async def count() -> int:
        return len(asyncio.all_tasks())

    return asyncio.run_coroutine_threadsafe(count(), server.loop).result(5)


def test_a_follower_is_told_when_its_server_stops(serve: Serve) -> None:
    held = asyncio.Event()
    one = serve(Reply(pieces=("One ", "two."), hold=held, hold_after=1))
    other = serve("Never.")
    with one.client("alice").stream("POST", ASSISTANT.ask, json=HI, headers=STREAM) as first:
        path = ASSISTANT.turn(next(events(first)).data) + "/events"
        with other.client("alice").stream("GET", path) as second:
            followed = events(second)
            assert [next(followed).name for _ in range(2)] == ["turn.accepted", "delta"]
            other.stop()
            (last,) = list(followed)
        assert last.name == "error"
        check_problem(last.data["problem"], 503, "overloaded")
        one.let(held)
        rest = heard(one.client("alice"), "GET", path, headers={"last-event-id": last.id})
    assert (text_of(rest), rest[-1].name) == ("two.", "done")
