"""What every response has, whatever it is: an id, the headers of safety, CORS for those who may."""

import re

import httpx
import pytest

from entrypoints.http.edge import SECURITY_HEADERS
from tests.http.conftest import Serve
from tests.http.served import Served, problem

LOCAL = "http://localhost:3000"
ANYTHING = [
    ("GET", "/health", 200),
    ("GET", "/docs", 200),
    ("GET", "/nowhere", 404),
    ("PUT", "/chat", 405),
    ("POST", "/chat", 415),
    ("POST", "/api/alice/chat", 401),
    ("OPTIONS", "/chat", 204),
]
anything = pytest.mark.parametrize(("method", "path", "status"), ANYTHING)


@anything
def test_every_response_has_an_id_and_the_headers_of_safety(
    common: Served, method: str, path: str, status: int
) -> None:
    response = common.client().request(method, path)
    assert response.status_code == status
    assert re.fullmatch(r"[0-9a-f]{32}", response.headers["x-request-id"])
    for name, value in SECURITY_HEADERS:
        assert response.headers[name.decode()] == value.decode()
    assert "default-src 'none'" in response.headers["content-security-policy"]
    assert "unsafe" not in response.headers["content-security-policy"]
    assert "server" not in response.headers


@anything
def test_a_sane_id_of_the_caller_is_kept(common: Served, method: str, path: str, status: int) -> None:
    response = common.client(**{"x-request-id": "a-1"}).request(method, path)
    assert (response.status_code, response.headers["x-request-id"]) == (status, "a-1")


@pytest.mark.parametrize("given", ["", "x" * 129, "a b", "a\tb", "ü"])
def test_an_id_that_is_not_sane_is_replaced(common: Served, given: str) -> None:
    response = common.client().get("/health", headers=[(b"x-request-id", given.encode())])
    assert re.fullmatch(r"[0-9a-f]{32}", response.headers["x-request-id"])


def test_two_requests_have_two_ids(common: Served) -> None:
    client = common.client()
    assert len({client.get("/health").headers["x-request-id"] for _ in range(5)}) == 5


def test_there_is_nothing_elsewhere(common: Served) -> None:
    for path in ("/nowhere", "/api", "/api/alice/x", "/chat/x", "/%00", "/api/a%2Fb/chat", "/../etc/passwd"):
        problem(common.client().get(path), 404, "route-not-found")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/chat", {"POST", "OPTIONS"}),
        ("DELETE", "/api/alice/chat", {"POST", "OPTIONS"}),
        ("POST", "/health", {"GET", "HEAD", "OPTIONS"}),
        ("PUT", "/api/alice/conversations/x", {"GET", "HEAD", "PATCH", "DELETE", "OPTIONS"}),
    ],
)
def test_another_method_is_a_405_that_says_which_are_allowed(
    common: Served, method: str, path: str, allowed: set[str]
) -> None:
    response = common.client().request(method, path)
    problem(response, 405, "method-not-allowed")
    assert set(response.headers["allow"].split(", ")) == allowed


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/chat", "OPTIONS, POST"),
        ("/health", "GET, HEAD, OPTIONS"),
        ("/api/alice/conversations/x", "DELETE, GET, HEAD, OPTIONS, PATCH"),
    ],
)
def test_options_says_which_methods_are_allowed(common: Served, path: str, allowed: str) -> None:
    response = common.client().options(path)
    assert (response.status_code, response.headers["allow"]) == (204, allowed)


@pytest.mark.parametrize("path", ["/health", "/health/ready", "/metrics", "/openapi.json", "/docs"])
def test_whatever_can_be_read_can_be_asked_about(common: Served, path: str) -> None:
    client = common.client()
    asked, read = client.head(path), client.get(path)
    assert (asked.status_code, asked.content) == (read.status_code, b"")
    varying = {"date", "x-request-id", "content-length"}
    assert {name: asked.headers[name] for name in asked.headers.keys() - varying} == {
        name: read.headers[name] for name in read.headers.keys() - varying
    }
    assert int(asked.headers["content-length"]) > 0


def test_asking_about_a_stream_does_not_wait_for_its_end(common: Served) -> None:
    client = common.client("alice")
    turn = client.post("/api/alice/chat", json={"message": "Hi"}).json()["turn_id"]
    response = client.head(f"/api/alice/turns/{turn}/events")
    assert (response.status_code, response.content) == (200, b"")
    assert response.headers["content-type"] == "text/event-stream"


def preflight(client: httpx.Client, origin: str) -> httpx.Response:
    asked = "authorization,content-type,idempotency-key,last-event-id"
    headers = {
        "origin": origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": asked,
    }
    return client.options("/api/alice/chat", headers=headers)


@pytest.mark.parametrize("origin", [LOCAL, "https://app.example.com"])
def test_frontends_may_call_with_everything_they_need(serve: Serve, origin: str) -> None:
    client = serve(frontend_url=("https://app.example.com",)).client()
    asked = preflight(client, origin)
    assert asked.status_code == 204
    allowed = set(asked.headers["access-control-allow-headers"].split(", "))
    assert allowed >= {"authorization", "content-type", "idempotency-key", "last-event-id"}
    assert set(asked.headers["access-control-allow-methods"].split(", ")) >= {"GET", "POST", "PATCH", "DELETE"}
    response = client.get("/nowhere", headers={"origin": origin})
    for answer in (asked, response):
        assert answer.headers["access-control-allow-origin"] == origin
        assert answer.headers["access-control-allow-credentials"] == "true"
        assert answer.headers["vary"] == "origin"
    exposed = set(response.headers["access-control-expose-headers"].split(", "))
    assert exposed >= {"x-request-id", "retry-after", "idempotency-replayed"}


@pytest.mark.parametrize(
    "origin",
    ["null", "http://localhost:3001", "https://localhost:3000", LOCAL + ".evil.com", LOCAL.upper(), "*", ""],
)
def test_no_other_origin_may(common: Served, origin: str) -> None:
    client = common.client()
    for response in (preflight(client, origin), client.get("/health", headers={"origin": origin})):
        assert "access-control-allow-origin" not in response.headers
        assert "access-control-allow-credentials" not in response.headers
        assert response.headers["vary"] == "origin"


def test_requests_are_counted_by_their_route_and_never_by_their_path(common: Served) -> None:
    client = common.client("alice")
    session = client.post("/chat", json={"message": "Hi"}).json()["session_id"]
    client.get(f"/chat/{session}/turns/x")
    client.get("/nowhere/at/all")
    figures = client.get("/metrics").text
    assert 'chatcore_requests_total{method="POST",route="/chat",status="200"}' in figures
    assert 'route="/chat/{session_id}/turns/{turn_id}",status="404"' in figures
    assert 'route="unmatched",status="404"' in figures
    assert session not in figures
    assert "nowhere" not in figures
