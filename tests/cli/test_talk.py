"""The terminal client gets each reply whole, once, and in order, whatever happens to the server meanwhile."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from entrypoints.cli.talk import GaveUp, Talk, assistant_door, textbook_door
from entrypoints.cli.wire import Lost, Reply, Wire


def event(name: str, id_: str, **data: object) -> bytes:
    return f"id: {id_}\nevent: {name}\ndata: {json.dumps(data)}\n\n".encode()


ACCEPTED = event("turn.accepted", "1-0", turn_id="t1", conversation_id="c1", session_id="s1")
ONE = event("delta", "1-4", text="One ")
TWO = event("delta", "1-8", text="two.")
DONE = event("done", "1-8-end", message={"content": "One two."}, usage={})


class Canned(Reply):
    """A reply that was written beforehand; it may end with the loss of the line."""

    def __init__(self, status: int, parts: list[bytes | BaseException]) -> None:
        self.status = status
        self._parts = parts

    def chunks(self) -> Iterator[bytes]:
        for part in self._parts:
            if isinstance(part, BaseException):
                raise part
            yield part

    def whole(self) -> bytes:
        return b"".join(self.chunks())


class CannedServer(Wire):
    """Gives its replies one after the other, and remembers what it was asked."""

    def __init__(self, *replies: Canned | Lost) -> None:
        super().__init__("http://127.0.0.1:1", None)
        self._replies = list(replies)
        self.requests: list[tuple[str, str, Any, dict[str, str]]] = []

    @contextmanager
    def request(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Iterator[Reply]:
        self.requests.append((method, path, json.loads(body) if body else None, dict(headers or {})))
        reply = self._replies.pop(0)
        if isinstance(reply, Lost):
            raise reply
        yield reply


class Away(CannedServer):
    """Is gone after its replies."""

    @contextmanager
    def request(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Iterator[Reply]:
        self._replies = self._replies or [Lost("refused")]
        with super().request(method, path, body, headers) as reply:
            yield reply


def stream(*parts: bytes | BaseException) -> Canned:
    return Canned(200, list(parts))


def problem(status: int, detail: str, *, retryable: bool) -> Canned:
    return Canned(status, [json.dumps({"detail": detail, "retryable": retryable}).encode()])


class Screen:
    def __init__(self, server: CannedServer, door: str = "assistant") -> None:
        self.shown = ""
        self.told: list[str] = []
        self.talk = Talk(
            server,
            assistant_door("ada") if door == "assistant" else textbook_door(),
            show=self._show,
            tell=self.told.append,
            sleep=lambda _: None,
        )

    def _show(self, text: str) -> None:
        self.shown += text


def test_a_reply_is_shown_and_the_conversation_goes_on() -> None:
    server = CannedServer(stream(ACCEPTED, ONE, TWO, DONE), stream(ACCEPTED, ONE, TWO, DONE))
    screen = Screen(server)
    screen.talk.ask("Count.")
    screen.talk.ask("Again.")
    assert screen.shown == "One two.\nOne two.\n"
    (_, path, first, headers), (_, _, second, others) = server.requests
    assert path == "/api/ada/chat"
    assert first == {"message": "Count."}
    assert second == {"message": "Again.", "conversation_id": "c1"}
    assert headers["idempotency-key"] != others["idempotency-key"]


def test_the_textbook_goes_on_by_its_session() -> None:
    server = CannedServer(stream(ACCEPTED, DONE), stream(ACCEPTED, ONE, Lost()), stream(TWO, DONE))
    screen = Screen(server, "textbook")
    screen.talk.ask("Count.")
    screen.talk.ask("Again.")
    assert server.requests[1][1:3] == ("/chat", {"message": "Again.", "session_id": "s1"})
    assert server.requests[2][1] == "/chat/s1/turns/t1/events"


def test_a_stream_that_was_cut_goes_on_after_its_last_event() -> None:
    server = CannedServer(stream(ACCEPTED, ONE, Lost("cut")), Lost("refused"), stream(TWO, DONE))
    screen = Screen(server)
    screen.talk.ask("Count.")
    assert screen.shown == "One two.\n"
    method, path, _, headers = server.requests[-1]
    assert (method, path, headers["last-event-id"]) == ("GET", "/api/ada/turns/t1/events", "1-4")


def test_a_question_that_was_not_acknowledged_is_sent_again_under_its_key() -> None:
    server = CannedServer(Lost("refused"), stream(Lost("cut")), stream(ACCEPTED, ONE, TWO, DONE))
    screen = Screen(server)
    screen.talk.ask("Count.")
    assert screen.shown == "One two.\n"
    assert len({headers["idempotency-key"] for _, _, _, headers in server.requests}) == 1


def test_an_interrupted_turn_is_asked_again_under_its_key() -> None:
    interrupted = event("interrupted", "1-4-end", message=None)
    server = CannedServer(stream(ACCEPTED, ONE, interrupted), stream(ACCEPTED, ONE, TWO, DONE))
    screen = Screen(server)
    screen.talk.ask("Count.")
    assert screen.shown == "One two.\n"
    assert server.requests[0] == server.requests[1], "another body would be another question"


def test_another_attempt_that_says_something_else_is_shown_from_its_beginning() -> None:
    reset = event("reset", "2-0", attempt=2)
    other = event("delta", "2-7", text="Uno due")
    done = event("done", "2-7-end", message={"content": "Uno due"}, usage={})
    screen = Screen(CannedServer(stream(ACCEPTED, ONE, reset, other, done)))
    screen.talk.ask("Count.")
    assert screen.shown == "One \nUno due\n"
    assert "(starting over)" in screen.told


def test_a_failure_that_may_pass_is_tried_again_and_another_is_told() -> None:
    passing = event("error", "1-0-end", problem={"detail": "The model is unavailable.", "retryable": True})
    final = event("error", "1-0-end", problem={"detail": "The model refused to reply.", "retryable": False})
    screen = Screen(CannedServer(stream(ACCEPTED, passing), stream(ACCEPTED, final)))
    with pytest.raises(GaveUp, match="The model refused to reply"):
        screen.talk.ask("Count.")


def test_a_refusal_is_told_unless_waiting_helps() -> None:
    busy = problem(409, "The conversation is busy.", retryable=True)
    screen = Screen(CannedServer(busy, problem(401, "A token is required.", retryable=False)))
    with pytest.raises(GaveUp, match="A token is required"):
        screen.talk.ask("Count.")
    assert screen.told == ["(The conversation is busy. Asking again.)"]


def test_ctrl_c_cancels_the_turn_and_keeps_what_was_said() -> None:
    cancelled = event("cancelled", "1-4-end", message={"content": "One "})
    server = CannedServer(stream(ACCEPTED, ONE, KeyboardInterrupt()), Canned(202, [b"{}"]), stream(cancelled))
    screen = Screen(server)
    screen.talk.ask("Count.")
    assert screen.shown == "One \n"
    assert server.requests[1][:2] == ("POST", "/api/ada/turns/t1/cancel")
    assert screen.told == ["(cancelled)"]


def test_ctrl_c_before_anything_was_accepted_ends_the_talk() -> None:
    screen = Screen(CannedServer(stream(KeyboardInterrupt())))
    with pytest.raises(KeyboardInterrupt):
        screen.talk.ask("Count.")


def test_a_server_that_stays_away_is_given_up() -> None:
    screen = Screen(Away(stream(ACCEPTED, ONE)))
    screen.talk.patience = 0.05
    with pytest.raises(GaveUp, match=r"cannot be reached \(refused\)$"):
        screen.talk.ask("Count.")
    assert screen.told == ["(the server is away, waiting for it)"]


def test_a_server_that_never_was_there_is_given_up_soon_with_the_command_that_starts_it() -> None:
    screen = Screen(Away())
    screen.talk.first_patience = 0.05
    with pytest.raises(GaveUp, match="start it with `chatcore serve`"):
        screen.talk.ask("Count.")


def test_a_server_that_asks_for_patience_for_too_long_has_the_last_word() -> None:
    screen = Screen(CannedServer(*[problem(503, "The model is unavailable.", retryable=True)] * 2))
    screen.talk.patience = -1
    with pytest.raises(GaveUp, match=r"^The model is unavailable\.$"):
        screen.talk.ask("Count.")


def test_a_server_that_is_no_server_is_lost() -> None:
    with pytest.raises(Lost), Wire("http://127.0.0.1:1", "t").request("GET", "/"):
        pass


def test_a_reply_of_the_standard_library_is_read_as_it_comes(serve_bytes: Callable[[bytes], str]) -> None:
    url = serve_bytes(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello")
    with Wire(f"{url}/prefix/", "t").request("GET", "/path") as reply:
        assert reply.status == 200
        assert b"".join(reply.chunks()) == b"hello"
    with Wire(url, None).request("POST", "/path", b"{}") as reply:
        assert reply.whole() == b"hello"
