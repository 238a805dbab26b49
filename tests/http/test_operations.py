"""Is it alive, can it serve, how is it doing."""

from tests.databases import Database
from tests.http.conftest import serving
from tests.http.served import Served


def test_the_process_is_healthy_whatever_else_is_not(common: Served, adrift: Served) -> None:
    for server in (common, adrift):
        response = server.client().get("/health")
        assert (response.status_code, response.json()) == (200, {"status": "healthy"})


def test_it_is_ready_when_database_and_schema_are(common: Served) -> None:
    response = common.client().get("/health/ready")
    assert (response.status_code, response.json()) == (200, {"status": "ready", "not_ready": {}})


def test_it_says_that_the_database_is_not_there(adrift: Served) -> None:
    response = adrift.client().get("/health/ready")
    assert response.status_code == 503
    assert response.json()["status"] == "not ready"
    assert set(response.json()["not_ready"]) == {"database"}


def test_it_says_that_the_schema_is_not_there(bare_database: Database) -> None:
    with serving(bare_database) as serve:
        response = serve().client().get("/health/ready")
    assert response.status_code == 503
    assert set(response.json()["not_ready"]) == {"schema"}
    assert "chatcore migrate up" in response.json()["not_ready"]["schema"]


def test_the_figures_speak_of_requests_turns_tokens_and_the_pool(common: Served) -> None:
    client = common.client()
    client.post("/chat", json={"message": "Hi"})
    response = client.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain")
    for name in ("request", "turn", "token", "first_token", "pool", "breaker", "streams_open 0.0"):
        assert name in response.text
