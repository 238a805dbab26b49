"""Who waits for the database is let through by turns, whoever asks how much."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from adapters.postgres.failures import Transient
from adapters.postgres.turnstile import Turnstile

pytestmark = pytest.mark.anyio


class Crowd:
    """Calls before a turnstile, which note the order in which they get in, and stay until they are let go."""

    def __init__(self, turnstile: Turnstile) -> None:
        self.turnstile = turnstile
        self._tasks: set[asyncio.Task[None]] = set()
        self.inside: list[str] = []

    async def come(self, *owners: str, patience: float = 30) -> list[asyncio.Task[None]]:
        come = [asyncio.create_task(self._enter(owner, patience)) for owner in owners]
        self._tasks.update(come)
        await self.settle()
        return come

    async def go(self, owner: str) -> None:
        self.inside.remove(owner)
        self.turnstile.leave(owner)
        await self.settle()

    async def settle(self) -> None:
        for _ in range(5):
            await asyncio.sleep(0)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _enter(self, owner: str, patience: float) -> None:
        if not self.turnstile.passed(owner):
            await self.turnstile.wait(owner, patience)
        self.inside.append(owner)


@pytest.fixture
def turnstile() -> Turnstile:
    return Turnstile(6)


@pytest.fixture
async def crowd(turnstile: Turnstile) -> AsyncIterator[Crowd]:
    made = Crowd(turnstile)
    yield made
    await made.close()


async def test_one_owner_has_a_third_of_the_places_though_nobody_else_is_there(crowd: Crowd) -> None:
    await crowd.come(*["greedy"] * 5)
    assert crowd.inside == ["greedy"] * 2
    await crowd.go("greedy")
    assert crowd.inside == ["greedy"] * 2


async def test_whoever_comes_beside_the_greedy_does_not_wait(crowd: Crowd) -> None:
    await crowd.come(*["greedy"] * 50, "ada", "bob", "ada", "bob")
    assert crowd.inside == ["greedy", "greedy", "ada", "bob", "ada", "bob"]


async def test_those_who_wait_take_turns_by_owner(turnstile: Turnstile, crowd: Crowd) -> None:
    await crowd.come("a", "a", "b", "b", "c", "c", *["greedy"] * 3, "ada", "bob")
    assert turnstile.waiting == 5
    for owner in ("a", "a", "b", "b"):
        await crowd.go(owner)
    assert crowd.inside == ["c", "c", "greedy", "ada", "bob", "greedy"]


async def test_a_place_that_nobody_may_have_is_there_for_the_next(crowd: Crowd) -> None:
    await crowd.come("ada", *["greedy"] * 5)
    await crowd.go("ada")
    await crowd.come("bob")
    assert crowd.inside == ["greedy", "greedy", "bob"]


async def test_whoever_leaves_while_waiting_is_passed_over(turnstile: Turnstile, crowd: Crowd) -> None:
    waiting = (await crowd.come(*["greedy"] * 4))[2]
    waiting.cancel()
    await crowd.go("greedy")
    await crowd.go("greedy")
    assert (crowd.inside, turnstile.waiting) == (["greedy"], 0)


async def test_a_place_given_to_somebody_who_just_left_goes_on_to_the_next(crowd: Crowd) -> None:
    *_, third, _ = await crowd.come(*["greedy"] * 4)
    crowd.inside.remove("greedy")
    crowd.turnstile.leave("greedy")  # Before the one who was let in has noticed
    third.cancel()
    await crowd.settle()
    assert crowd.inside == ["greedy", "greedy"]


async def test_whoever_waits_too_long_is_told_and_takes_no_place(crowd: Crowd) -> None:
    *_, late = await crowd.come(*["greedy"] * 3, patience=0.01)
    with pytest.raises(Transient, match="in time"):
        await late
    await crowd.go("greedy")
    await crowd.come("greedy")
    assert crowd.inside == ["greedy", "greedy"]


async def test_where_there_is_one_place_everybody_may_have_it() -> None:
    crowd = Crowd(Turnstile(1))
    await crowd.come("greedy", "greedy", "ada")
    assert crowd.inside == ["greedy"]
    await crowd.go("greedy")
    await crowd.go("greedy")
    assert crowd.inside == ["ada"]
    await crowd.close()


async def test_waits_are_counted_and_timed(turnstile: Turnstile, crowd: Crowd) -> None:
    await crowd.come(*["greedy"] * 3)
    waiting_since = time.monotonic()
    await asyncio.sleep(0.02)
    waited_at_least = time.monotonic() - waiting_since
    await crowd.go("greedy")
    assert turnstile.waits == 1
    assert turnstile.waited >= waited_at_least
