"""Bodies are read within their limit, as JSON and nothing else; queries and headers by their rules."""

import asyncio
from typing import Any, cast

import msgspec
import pytest
from litestar.exceptions import HTTPException
from litestar.types import Receive, Scope

from chatcore.errors import InvalidRequest
from entrypoints.http.faults import fault_of
from entrypoints.http.reading import flag, header, page_size, query, read_json, wants_events
from entrypoints.http.wire import AssistantQuestion

DECODER = msgspec.json.Decoder(AssistantQuestion)
JSON = (b"content-type", b"application/json")


def scope(*headers: tuple[bytes, bytes], query_string: bytes = b"") -> Scope:
    return cast("Scope", {"type": "http", "headers": list(headers), "query_string": query_string})


class Body:
    """Sends a body in parts, and counts how many were asked for."""

    def __init__(self, *parts: bytes, cut: bool = False) -> None:
        self._parts = parts
        self._cut = cut
        self.asked = 0

    async def __call__(self) -> Any:
        self.asked += 1
        if self.asked > len(self._parts):
            assert self._cut, "more was asked for than there is"
            return {"type": "http.disconnect"}
        more = self._cut or self.asked < len(self._parts)
        return {"type": "http.request", "body": self._parts[self.asked - 1], "more_body": more}


def read(body: Body, *headers: tuple[bytes, bytes], limit: int | None = 100) -> AssistantQuestion:
    receive = cast("Receive", body)
    return asyncio.run(read_json(DECODER, scope(*(headers or (JSON,))), receive, limit))


def refusal(body: Body, *headers: tuple[bytes, bytes], limit: int | None = 100) -> int:
    with pytest.raises(HTTPException) as refused:
        read(body, *headers, limit=limit)
    return refused.value.status_code


def test_a_body_is_read_whole_however_it_is_cut() -> None:
    assert read(Body(b'{"message":"hi"}')).message == "hi"
    assert read(Body(b'{"mess', b"", b'age":"h', b'i"}')).message == "hi"


@pytest.mark.parametrize(
    "kind",
    [
        b"application/json",
        b"Application/JSON",
        b"application/json; charset=utf-8",
        b'application/json;charset="UTF-8"',
        b"application/vnd.chat+json",
    ],
)
def test_json_may_be_called_by_any_of_its_names(kind: bytes) -> None:
    assert read(Body(b'{"message":"hi"}'), (b"content-type", kind)).message == "hi"


@pytest.mark.parametrize(
    "headers",
    [
        [(b"content-type", b"text/plain")],
        [(b"content-type", b"")],
        [(b"content-type", b"application/jsonp")],
        [(b"content-type", b"application/json; charset=utf-16")],
        [(b"content-type", b"application/x-www-form-urlencoded")],
        [(b"content-type", b"multipart/form-data; boundary=x")],
        [(b"x-content-type", b"application/json")],
        [JSON, (b"content-encoding", b"gzip")],
    ],
)
def test_what_does_not_call_itself_json_is_refused_unread(headers: list[tuple[bytes, bytes]]) -> None:
    body = Body(b'{"message":"hi"}')
    assert refusal(body, *headers) == 415
    assert body.asked == 0


def test_a_body_that_says_it_is_too_long_is_refused_unread() -> None:
    for length in (b"101", b"9" * 5000):
        body = Body(b"x")
        assert refusal(body, JSON, (b"content-length", length)) == 413
        assert body.asked == 0


def test_a_body_that_does_not_say_how_long_it_is_is_read_to_the_limit_and_no_further() -> None:
    body = Body(*[b" " * 10] * 1000)
    assert refusal(body) == 413
    assert body.asked == 11


def test_a_body_may_be_exactly_as_long_as_the_limit() -> None:
    body = b'{"message":"hi"}'
    assert read(Body(body), limit=len(body)).message == "hi"
    assert read(Body(body[:5], body[5:]), limit=len(body)).message == "hi"
    assert refusal(Body(body), limit=len(body) - 1) == 413
    assert refusal(Body(body[:5], body[5:]), limit=len(body) - 1) == 413
    assert read(Body(body + b" " * 5000), limit=None).message == "hi"


def test_a_client_that_leaves_before_its_body_came_is_no_error_of_ours() -> None:
    assert refusal(Body(b'{"message"', cut=True)) == 400


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"hi"',
        b"\xff\xfe",
        b'{"message":"\xff"}',
        b'{"message":"\\ud800"}',
        b'{"message":"hi"}x',
        b"\xef\xbb\xbf{}",
        b"NaN",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"message":' + b"[" * 100_000,
        b'{"message":1' + b"0" * 5000 + b"}",
    ],
)
def test_what_is_no_json_object_is_invalid(body: bytes) -> None:
    with pytest.raises(InvalidRequest):
        read(Body(body), limit=None)


@pytest.mark.parametrize(
    ("body", "field", "message"),
    [
        (b'{"message":5}', "message", "must be text, not a whole number"),
        (b'{"message":["x"]}', "message", "must be text, not a list"),
        (
            b'{"message":"x","conversation_id":5}',
            "conversation_id",
            "must be an id, as text, not a whole number",
        ),
        (b'{"message":"x","conversation_id":"x"}', "conversation_id", "must be an id"),
        (b'{"message":"x","on_busy":"x"}', "on_busy", "must be one of refuse, interrupt, enqueue"),
        (b'{"message":"x","text":"x"}', "text", "is not known"),
    ],
)
def test_a_fault_names_its_field(body: bytes, field: str, message: str) -> None:
    with pytest.raises(InvalidRequest) as invalid:
        read(Body(body))
    (fault,) = invalid.value.faults
    assert (fault.field, fault.message) == (field, message)
    assert invalid.value.detail == f"{field}: {message}"


class Inner(msgspec.Struct, forbid_unknown_fields=True):
    """What a list holds."""

    count: int


class Outer(msgspec.Struct):
    """A body that nests, as none of ours does yet."""

    parts: list[Inner]


@pytest.mark.parametrize(
    ("body", "field", "message"),
    [
        (b'{"parts":[{}]}', "parts[0].count", "is required"),
        (b'{"parts":[{"count":1,"more":2}]}', "parts[0].more", "is not known"),
        (b'{"parts":[{"count":1,"a` - at `$.b":2}]}', "parts[0].a` - at `$.b", "is not known"),
        (b'{"parts":[{"count":1.5}]}', "parts[0].count", "must be a whole number"),
        (b'{"parts":[{"count":"1"}]}', "parts[0].count", "must be a whole number, not text"),
        (b'{"parts":5}', "parts", "must be a list, not a whole number"),
    ],
)
def test_a_fault_deep_inside_is_said_with_its_path(body: bytes, field: str, message: str) -> None:
    with pytest.raises(msgspec.ValidationError) as complaint:
        msgspec.json.decode(body, type=Outer)
    (fault,) = fault_of(str(complaint.value), Outer).faults
    assert (fault.field, fault.message) == (field, message)


@pytest.mark.parametrize(
    ("body", "said"),
    [(b"", "The body is empty."), (b" \n", "The body is empty."), (b"{", "The body is not valid JSON.")],
)
def test_a_body_that_is_empty_is_not_called_bad_json(body: bytes, said: str) -> None:
    with pytest.raises(InvalidRequest) as invalid:
        read(Body(body))
    assert invalid.value.detail == said


def test_a_body_of_another_kind_is_said_to_be_one() -> None:
    with pytest.raises(InvalidRequest, match=r"^The body must be an object, not a list\.$"):
        read(Body(b"[]"))


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        (None, False),
        (b"*/*", False),
        (b"application/json", False),
        (b"text/event-stream", True),
        (b"Text/Event-Stream", True),
        (b"text/event-stream, application/json", True),
        (b"application/json, text/event-stream;q=0.5", False),
        (b"application/json;q=0.5, text/event-stream", True),
        (b"text/event-stream;q=0", False),
        (b"text/event-stream;q=x", False),
    ],
)
def test_events_are_sent_to_those_who_prefer_them(accept: bytes | None, wanted: bool) -> None:  # noqa: FBT001
    headers = [] if accept is None else [(b"accept", accept)]
    assert wants_events(scope(*headers)) is wanted


def test_a_header_that_is_sent_twice_is_refused() -> None:
    assert header(scope((b"idempotency-key", b"k")), b"idempotency-key") == "k"
    assert header(scope(), b"idempotency-key") is None
    with pytest.raises(InvalidRequest, match="Idempotency-Key"):
        header(scope((b"idempotency-key", b"k"), (b"idempotency-key", b"k")), b"idempotency-key")


def test_a_page_is_as_long_as_asked_for_within_reason() -> None:
    assert page_size(scope(), default=20, most=200) == 20
    assert page_size(scope(query_string=b"limit=200"), default=20, most=200) == 200
    for bad in (b"0", b"201", b"-1", b"x", b"", b"1.5", "٣".encode(), b"9" * 5000, b"1&limit=2"):
        with pytest.raises(InvalidRequest, match="limit"):
            page_size(scope(query_string=b"limit=" + bad), default=20, most=200)


def test_a_flag_is_true_or_false() -> None:
    assert flag(scope(query_string=b"replaced=true"), "replaced")
    assert not flag(scope(query_string=b"replaced=false"), "replaced")
    assert not flag(scope(), "replaced")
    with pytest.raises(InvalidRequest, match="replaced"):
        flag(scope(query_string=b"replaced=1"), "replaced")


def test_a_query_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(InvalidRequest):
        query(scope(query_string=b"&".join([b"a=1"] * 1000)), "cursor")
    assert query(scope(query_string=b"cursor=%FF%FE"), "cursor") == "\ufffd\ufffd"
