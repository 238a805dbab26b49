"""`python -m tests.operations.overload`: goodput at, and at three times, what one process may run at once."""

import argparse
import asyncio
import multiprocessing
import random
import statistics
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field

from tests.chaos.rig import rig
from tests.chaos.talking import Answer, Person, talking

CAPACITY = 40
# A lease that no starved machine loses: what is tried here is something else.
SETTINGS = {
    "CHATCORE_MAX_TURNS": str(CAPACITY),
    "CHATCORE_MODEL": "slow:1",
    "CHATCORE_TURN_LEASE": "30",
}
MESSAGE = "Is there room for one more?"


@dataclass(slots=True, kw_only=True)
class Figures:
    """What so many clients got in so many seconds."""

    clients: int
    seconds: float
    answered: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)

    @property
    def goodput(self) -> float:
        """Replies in a second."""
        return len(self.answered) / self.seconds

    def __str__(self) -> str:
        words = f", refused {spread(self.refused)}" if self.refused else ""
        return f"{self.clients} clients: {self.goodput:.1f} replies/s{words}"


def spread(seconds: list[float]) -> str:
    """Return how many these are, the one in the middle, and what nearly all stay below."""
    ordered = [1000 * one for one in sorted(seconds)]
    nearly, all_but_one = (ordered[int(len(ordered) * part)] for part in (0.9, 0.99))
    return (
        f"{len(ordered)}: median {statistics.median(ordered):.0f} ms, "
        f"90 of 100 within {nearly:.0f} ms, 99 within {all_but_one:.0f} ms"
    )


async def offered(base: str, clients: int, seconds: float) -> Figures:
    """Have so many clients ask one question after the other; one that is refused pauses and asks again."""
    figures = Figures(clients=clients, seconds=seconds)
    until = time.monotonic() + seconds

    async def ask_on(person: Person) -> None:
        while time.monotonic() < until:
            answer = await person.ask(base, MESSAGE)
            if answer.status == 200:
                figures.answered.append(answer.seconds)
                continue
            check(answer)
            figures.refused.append(answer.seconds)
            await asyncio.sleep(random.uniform(0.5, 1.0))

    async with talking() as session, asyncio.TaskGroup() as group:
        for number in range(clients):
            group.create_task(ask_on(Person(session=session, owner=f"user{number}")))
    return figures


async def met(base: str, seconds: float) -> list[float]:
    """Ask now and then, and return after how many seconds each refusal was there.

    The crowd's own process has more to do than to look at its clock, so that its times are mostly its own.
    """
    refused = list[float]()
    until = time.monotonic() + seconds
    async with talking() as session, asyncio.TaskGroup() as group:

        async def look(number: int) -> None:
            answer = await Person(session=session, owner=f"visitor{number}").ask(base, MESSAGE)
            if answer.status != 200:
                check(answer)
                refused.append(answer.seconds)

        number = 0
        while time.monotonic() < until:
            number += 1
            group.create_task(look(number))
            await asyncio.sleep(0.05)
    return refused


def check(answer: Answer) -> None:
    """See to it that a refusal says what it is and when to come again."""
    assert (answer.status, answer.problem) == (503, "overloaded"), answer
    assert int(answer.headers["Retry-After"]) >= 1, answer


def crowd(base: str, clients: int, seconds: float) -> Figures:
    """Offer so much, in a process of its own."""
    return asyncio.run(offered(base, clients, seconds))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.operations.overload", description=__doc__)
    parser.add_argument("--seconds", type=float, default=15)
    seconds: float = parser.parse_args().seconds
    spawning = multiprocessing.get_context("spawn")
    with rig(servers=1, gap=0.0, **SETTINGS) as machine, ProcessPoolExecutor(1, spawning) as elsewhere:
        base = machine.servers[0].base
        peak = elsewhere.submit(crowd, base, CAPACITY, seconds).result()
        rush = elsewhere.submit(crowd, base, 3 * CAPACITY, seconds)
        time.sleep(2)
        refused = asyncio.run(met(base, seconds - 3))
        over = rush.result()
        inside = [
            line["milliseconds"] / 1000 for line in machine.servers[0].lines("request") if line["status"] == 503
        ]
    share = over.goodput / peak.goodput
    sys.stdout.write(
        f"{peak}\n{over}\ngoodput at three times capacity: {share:.0%} of the peak\n"
        f"a visitor is refused {spread(refused)}\nof which inside the server {spread(inside)}\n"
    )
    return 0 if share >= 0.9 else 1


if __name__ == "__main__":
    sys.exit(main())
