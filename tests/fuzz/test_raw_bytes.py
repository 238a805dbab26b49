"""Whatever bytes arrive, the server answers with less than 500 or closes, says why as a problem, and lives on."""

import json
import re
import socket
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.chaos.processes import Server
from tests.chaos.rig import rig

SILENCE = 0.15
"""Seconds after which a server that says nothing is taken to wait for more."""
PATIENCE = 5.0
VALID = (
    b"POST /chat HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 16\r\n\r\n"
    b'{"message":"Hi"}'
)
METHODS = st.sampled_from(
    [b"GET", b"POST", b"HEAD", b"OPTIONS", b"PATCH", b"DELETE", b"TRACE", b"CONNECT", b"PRI"]
)
PIECES = st.sampled_from(
    [
        b"chat",
        b"api",
        b"ada",
        b"conversations",
        b"turns",
        b"events",
        b"health",
        b"..",
        b"%2e%2e",
        b"%00",
        b"%ff",
        b"\xc3\xa9",
        b"[" * 500,
        b"a" * 5_000,
        b"?limit=",
        b"*",
        b"http://x/",
        b"//",
        b"\\",
        b"%",
    ]
)
TARGETS = st.lists(PIECES | st.binary(max_size=8), max_size=6).map(lambda pieces: b"/" + b"/".join(pieces))
NAMES = st.sampled_from(
    [
        b"content-length",
        b"transfer-encoding",
        b"content-type",
        b"accept",
        b"authorization",
        b"cookie",
        b"host",
        b"idempotency-key",
        b"last-event-id",
        b"x-request-id",
        b"origin",
        b"expect",
        b"upgrade",
        b"connection",
        b"content-encoding",
        b"access-control-request-method",
        b"x-forwarded-for",
        b"te",
        b"trailer",
    ]
)
VALUES = st.sampled_from(
    [
        b"",
        b"0",
        b"16",
        b"-1",
        b"+16",
        b"1e9",
        b"16, 17",
        b"9" * 30,
        b"chunked",
        b"gzip, chunked",
        b"identity",
        b"application/json",
        b"text/event-stream",
        b"Bearer x",
        b"Bearer " + b"a." * 3_000,
        b"100-continue",
        b"websocket",
        b"h2c",
        b"close",
        b"\x00",
        b"\xff\xfe",
        b"a=b; " * 300,
        b"x" * 70_000,
    ]
)
HEADERS = st.lists(st.tuples(NAMES | st.binary(max_size=6), VALUES | st.binary(max_size=12)), max_size=8)
BODIES = st.sampled_from(
    [b"", b'{"message":"Hi"}', b"[" * 100_000, b'{"message":"\\ud800"}', b'{"message":"\xff"}', b"\x00" * 50, b'{"message":"\\u0000"}', b'{"message":' + b'"a"' * 9, b"1e999999", b'{"a":' * 5_000, b"10\r\n" + b'{"message":"Hi"}' + b"\r\n0\r\n\r\n", b"ffffffffffffffff\r\nx", b"-1\r\n\r\n", b"0;a=b\r\nx: y\r\n\r\n"]
) | st.binary(max_size=40)  # fmt: skip


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    """A request that may be one."""
    head = [b"%b %b HTTP/%b" % (draw(METHODS), draw(TARGETS), draw(st.sampled_from([b"1.1", b"1.0", b"2"])))]
    head += [name + b": " + value for name, value in draw(HEADERS)]
    return b"\r\n".join(head) + b"\r\n\r\n" + draw(BODIES)


@st.composite
def mutations(draw: st.DrawFn) -> bytes:
    """A good request with some of its bytes changed, taken away or doubled."""
    said = bytearray(VALID)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(said) - 1))
        said[at : at + draw(st.integers(0, 3))] = draw(st.binary(max_size=4))
        if not said:
            return b""
    return bytes(said) * draw(st.sampled_from([1, 1, 2]))


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with rig(servers=1, CHATCORE_LLM="offline", CHATCORE_LOG_LEVEL="warning") as machine:
        yield machine.servers[0]


def exchange(port: int, request: bytes) -> bytes:
    """Return everything that the server says until it closes or falls silent."""
    received, until = b"", time.monotonic() + PATIENCE
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
        with suppress(ConnectionError, TimeoutError):
            connection.sendall(request)
            connection.settimeout(SILENCE)
            while part := connection.recv(65536):
                received += part
                assert time.monotonic() < until, "it never ends"
        return received


def check(said: bytes) -> None:
    for head, body in re.findall(rb"HTTP/1\.1 (.*?)\r\n\r\n(.*?)(?=HTTP/1\.1 |\Z)", said, re.DOTALL):
        status = int(head[:3])
        assert status < 500, said
        lines = head.lower().split(b"\r\n")
        assert any(line.startswith(b"x-request-id: ") for line in lines) or status == 100, said
        if status >= 400:
            assert b"content-type: application/problem+json" in lines, said
            if body:
                assert json.loads(body)["status"] == status
        assert b"Traceback" not in body


@given(request=requests() | mutations() | st.binary(max_size=200))
@example(request=VALID.replace(b"content-length: 16", b"content-length: 16\r\ntransfer-encoding: chunked"))
@example(request=VALID + b"\x00garbage behind a good request\r\n\r\n")
@settings(
    max_examples=400, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), database=None
)
def test_no_bytes_make_a_server_fail(server: Server, request: bytes) -> None:
    check(exchange(server.port, request))


def test_the_server_lives_and_has_nothing_to_complain_about(server: Server) -> None:
    with urllib.request.urlopen(f"{server.base}/metrics", timeout=5) as answer:
        statuses = set(re.findall(r'_requests_total\{.*status="(\d+)"', answer.read().decode()))
    assert {"200", "400", "404", "405"} <= statuses
    assert not [status for status in statuses if status >= "500"]
    assert server.running
    errors = [line for line in server.log.read_text().splitlines() if '"level":"error"' in line]
    assert errors == []
