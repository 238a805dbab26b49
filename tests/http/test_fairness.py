"""How much may be asked: users by name, readers by where they come from, and everybody is told what is left."""

from typing import Any, cast

from litestar.types import Scope

from chatcore.fair_use import UNBOUNDED, FairUse, Limit, Rate
from entrypoints.http.fairness import Fairness
from tests.http.conftest import Serve
from tests.http.served import problem

HI = {"message": "Hi"}
RATE = Rate(requests=3, seconds=60)
OF_ADDRESS = Rate(requests=9, seconds=60)


def scope(peer: str) -> Scope:
    return cast("Scope", {"client": (peer, 1), "headers": []})


def test_without_a_rate_nothing_is_bounded() -> None:
    fairness = Fairness()
    assert fairness.of_user(scope("192.0.2.1")) == fairness.of_reader(scope("192.0.2.1")) == UNBOUNDED
    assert fairness.headers(None) == ()


def test_everybody_is_bounded_by_address_and_users_by_a_budget() -> None:
    fairness = Fairness(rate=RATE, address_rate=OF_ADDRESS, daily_tokens=1000)
    reader, user = fairness.of_reader(scope("2001:db8::1")), fairness.of_user(scope("2001:db8::2"))
    assert (reader.rate, reader.daily_tokens) == (RATE, None)
    assert (user.rate, user.daily_tokens) == (RATE, 1000)
    assert reader.address == user.address == Limit(subject="@2001:db8::/64", rate=OF_ADDRESS)


def test_whose_address_nobody_knows_is_bounded_by_name() -> None:
    fairness = Fairness(rate=RATE, address_rate=OF_ADDRESS)
    assert fairness.of_user(scope("a socket of this machine")) == FairUse(rate=RATE)


def test_a_user_that_asks_too_much_waits_and_others_do_not(serve: Serve) -> None:
    server = serve(rate_limit="3/minute")
    alice = server.client("alice")
    left = [alice.post("/api/alice/chat", json=HI) for _ in range(3)]
    assert [response.status_code for response in left] == [200, 200, 200]
    assert [response.headers["ratelimit"].partition(";t=")[0] for response in left] == [
        f'"caller";r={remaining}' for remaining in (2, 1, 0)
    ]
    assert {response.headers["ratelimit-policy"] for response in left} == {'"caller";q=3;w=60'}
    refused = alice.post("/api/alice/chat", json=HI)
    problem(refused, 429, "rate-limited")
    assert 1 <= int(refused.headers["retry-after"]) <= 20
    assert server.client("bob").post("/api/bob/chat", json=HI).status_code == 200


def test_a_reader_does_not_escape_into_new_sessions(serve: Serve) -> None:
    server = serve(rate_limit="1000/minute", address_rate_limit="3/minute")
    client = server.client()
    found = [client.post("/chat", json=HI).status_code for _ in range(4)]
    assert found == [200, 200, 200, 429]
    problem(server.client("alice").post("/api/alice/chat", json=HI), 429, "rate-limited")
    forged = {"x-forwarded-for": "198.51.100.7"}
    problem(client.post("/chat", json=HI, headers=forged), 429, "rate-limited")


def test_readers_behind_a_trusted_proxy_are_told_apart(serve: Serve) -> None:
    server = serve(rate_limit="9", address_rate_limit="1/minute", trusted_proxies=("127.0.0.0/8",))

    def ask(address: str) -> int:
        headers = {"x-forwarded-for": f"203.0.113.99, {address}"}
        return server.client().post("/chat", json=HI, headers=headers).status_code

    addresses = ["198.51.100.1", "198.51.100.1", "198.51.100.2", "2001:db8::1", "2001:db8::2"]
    assert [ask(address) for address in addresses] == [200, 429, 200, 200, 429]


def test_a_replayed_question_costs_nothing(serve: Serve) -> None:
    server = serve(rate_limit="1")
    client = server.client("alice", **{"idempotency-key": "k"})
    replies = [client.post("/api/alice/chat", json=HI) for _ in range(3)]
    assert [reply.status_code for reply in replies] == [200, 200, 200]
    assert "ratelimit" not in replies[-1].headers


def test_the_rate_is_one_over_all_servers(serve: Serve) -> None:
    servers = [serve(rate_limit="2"), serve(rate_limit="2")]
    found = [server.client("alice").post("/api/alice/chat", json=HI).status_code for server in servers * 2]
    assert sorted(found) == [200, 200, 429, 429]


def test_who_has_spent_the_tokens_of_the_day_waits_for_the_next_one(serve: Serve) -> None:
    client = serve(daily_tokens=1).client("alice")
    assert client.post("/api/alice/chat", json=HI).status_code == 200
    refused = problem(client.post("/api/alice/chat", json=HI), 429, "token-budget-exhausted")
    assert refused["retryable"]
    assert "midnight" in refused["detail"]


def test_a_limit_may_be_switched_off(serve: Serve) -> None:
    response: Any = serve(rate_limit=None).client("alice").post("/api/alice/chat", json=HI)
    assert response.status_code == 200
    assert "ratelimit" not in response.headers
