"""More than a process can do is refused at once and in words; what it can do, no default refuses."""

import asyncio
from collections.abc import Iterator
from itertools import cycle

import pytest

from tests.chaos.rig import Rig, rig
from tests.chaos.talking import Answer, Person, fresh_key, talking
from tests.operations.overload import CAPACITY, SETTINGS

pytestmark = pytest.mark.anyio

# What a server has that is given nothing but what it needs, and a rate limit that is the default.
DEFAULTS = {"CHATCORE_MODEL": "slow:2", "CHATCORE_RATE_LIMIT": "1200"}
FEW = {"CHATCORE_MODEL": "slow:1", "CHATCORE_POOL_MAX": "4"}


@pytest.fixture(scope="module")
def machine() -> Iterator[Rig]:
    with rig(servers=0, CHATCORE_TURN_LEASE="30") as running:
        for changes in (SETTINGS, DEFAULTS, FEW):
            running.serve(**changes)
        for server in running.servers:
            server.wait_ready()
        yield running


async def at_once(base: str, turns: int, users: int) -> list[Answer]:
    """Ask so many questions at once, each in a conversation of its own."""
    async with talking(40) as session:
        people = [Person(session=session, owner=f"user{number}") for number in range(users)]
        asking = (
            person.ask(base, f"{number}?", fresh_key())
            for person, number in zip(cycle(people), range(turns), strict=False)
        )
        return await asyncio.gather(*asking)


async def test_three_times_the_capacity_gets_that_much_and_the_rest_is_refused_in_words(machine: Rig) -> None:
    answers = await at_once(machine.servers[0].base, 3 * CAPACITY, 3 * CAPACITY)
    refused = [answer for answer in answers if answer.status != 200]
    assert len(answers) - len(refused) >= CAPACITY
    assert len(refused) >= CAPACITY
    assert {(answer.status, answer.problem) for answer in refused} == {(503, "overloaded")}
    assert (await at_once(machine.servers[0].base, 1, 1))[0].status == 200


async def test_no_default_refuses_five_hundred_turns_of_fifty_users(machine: Rig) -> None:
    answers = await at_once(machine.servers[1].base, 500, 50)
    assert {answer.status for answer in answers} == {200}
    assert machine.upstream.stats()["most_open_calls"] > 250


async def test_two_hundred_turns_at_once_do_with_four_connections(machine: Rig) -> None:
    answers = await at_once(machine.servers[2].base, 200, 200)
    assert {answer.status for answer in answers} == {200}
    assert len({answer.headers["X-Turn-Id"] for answer in answers}) == 200
