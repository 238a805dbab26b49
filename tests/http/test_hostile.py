"""Requests that nobody honest sends are answered in words, and the server lives on."""

import gzip
import socket
from uuid import uuid4

import pytest

from tests.http.conftest import Serve
from tests.http.served import Served, problem

HEAD = b"POST /chat HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
GOOD = b'{"message":"Hi"}'


def status(response: bytes) -> int:
    return int(response.split(b" ", 2)[1])


def test_a_length_and_chunks_at_once_are_refused_and_nothing_is_smuggled(common: Served) -> None:
    smuggled = b"0\r\n\r\nGET /health HTTP/1.1\r\nhost: x\r\n\r\n"
    request = HEAD + b"content-length: %d\r\ntransfer-encoding: chunked\r\n\r\n%b" % (len(smuggled), smuggled)
    answer = common.exchange(request, until_close=True)
    assert answer.count(b"HTTP/1.1 ") == 1
    assert status(answer) == 400


def test_two_lengths_are_refused(common: Served) -> None:
    request = HEAD + b"content-length: 16\r\ncontent-length: 1\r\n\r\n" + GOOD
    assert status(common.exchange(request, until_close=True)) == 400


@pytest.mark.parametrize(
    "request_line",
    [
        b"\x00\x01\x02\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc",
    ],
)
def test_what_is_not_http_is_refused(common: Served, request_line: bytes) -> None:
    assert status(common.exchange(request_line + b"\r\n\r\n", until_close=True)) == 400
    assert common.client().get("/health").status_code == 200


def test_a_body_that_says_it_is_huge_is_refused_before_it_is_sent(serve: Serve) -> None:
    answer = serve(max_body=1000).exchange(HEAD + b"content-length: 1000000000000\r\n\r\n")
    assert status(answer) == 413


def test_a_body_in_chunks_is_refused_once_it_is_too_long(serve: Serve) -> None:
    chunk = b"3e8\r\n" + b" " * 1000 + b"\r\n"
    answer = serve(max_body=1000).exchange(HEAD + b"transfer-encoding: chunked\r\n\r\n" + chunk * 3)
    assert status(answer) == 413
    assert b"application/problem+json" in answer


def test_a_body_that_is_announced_is_asked_for(common: Served) -> None:
    answer = common.exchange(
        HEAD + b"expect: 100-continue\r\nconnection: close\r\ncontent-length: 16\r\n\r\n" + GOOD,
        until_close=True,
    )
    assert answer.startswith(b"HTTP/1.1 100 Continue\r\n")


def test_a_compressed_body_is_refused_undecompressed(common: Served) -> None:
    headers = {"content-type": "application/json", "content-encoding": "gzip"}
    bomb = gzip.compress(b" " * 1_000_000)
    response = common.client().post("/chat", content=bomb, headers=headers)
    problem(response, 415, "media-type-not-supported")


@pytest.mark.parametrize("host", [b"", b"a b", b"x\xff", b"x/y", b"[::1", b"x" * 300])
def test_a_foolish_host_does_no_harm(common: Served, host: bytes) -> None:
    answer = common.exchange(
        b"GET /health HTTP/1.1\r\nhost: %b\r\nconnection: close\r\n\r\n" % host, until_close=True
    )
    assert status(answer) in {200, 400}


@pytest.mark.parametrize(
    "path",
    [
        b"/%FF%FE",
        b"/\xff",
        b"/api/%ED%A0%80/chat",
        b"/" + b"a/" * 2000,
        b"/?" + b"a=1&" * 2000,
        b"//chat//",
        b"/chat/%2e%2e/health",
        b"http://evil.example/health",
        b"*",
    ],
)
def test_a_foolish_path_does_no_harm(common: Served, path: bytes) -> None:
    answer = common.exchange(
        b"GET %b HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n" % path, until_close=True
    )
    assert 200 <= status(answer) < 500
    assert common.client().get("/health").status_code == 200


@pytest.mark.parametrize("path", ["/chat", "/api/alice/chat"])
@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b"{" * 100_000,
        b'{"a":' * 100_000,
        b'{"message":' + b"[" * 100_000,
        b'{"message":"' + b"\\ud83e" * 1000 + b'"}',
        b'{"message":"\\u0000"}',
        b'{"message":1e400}',
        b'{"message":-}',
        b'{"message":"Hi",}',
        b'{"message":"Hi"}{"message":"Hi"}',
        b"\xff\xfe{\x00}\x00",
        b"{'message': 'Hi'}",
        b'{"\xff":"Hi"}',
        b'{"__proto__":{},"message":"Hi"}',
    ],
)
def test_a_hostile_body_is_invalid(common: Served, path: str, body: bytes) -> None:
    headers = {"content-type": "application/json"}
    response = common.client("alice").post(path, content=body, headers=headers)
    problem(response, 400 if path == "/chat" else 422, "invalid-request")


def test_a_thousand_headers_do_no_harm(common: Served) -> None:
    lines = b"".join(b"x-%d: y\r\n" % number for number in range(1000))
    answer = common.exchange(
        b"GET /health HTTP/1.1\r\nhost: x\r\n" + lines + b"connection: close\r\n\r\n", until_close=True
    )
    assert status(answer) in {200, 400, 431}


def test_a_client_that_leaves_in_the_middle_of_its_body_does_no_harm(common: Served) -> None:
    with socket.create_connection(("127.0.0.1", common.port)) as connection:
        connection.sendall(HEAD + b"content-length: 1000\r\n\r\n{")
    assert common.client().get("/health").status_code == 200


def test_a_failure_shows_nothing_of_what_is_inside(adrift: Served) -> None:
    text = adrift.client("alice").get(f"/api/alice/conversations/{uuid4()}").text
    for inside in ("hunter2", "127.0.0.1", "psycopg", "nobody", "Traceback", "File"):
        assert inside not in text
