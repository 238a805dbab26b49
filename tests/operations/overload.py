"""`python -m tests.operations.overload`: goodput at, and at three times, what one process may run at once."""

import argparse
import asyncio
import random
import statistics
import sys
import time
from dataclasses import dataclass, field

from tests.chaos.rig import rig
from tests.chaos.talking import Answer, Person, talking

CAPACITY = 40
SETTINGS = {"CHATCORE_MAX_TURNS": str(CAPACITY), "CHATCORE_MODEL": "slow:1"}
MESSAGE = "Is there room for one more?"


@dataclass(slots=True, kw_only=True)
class Figures:
    """What so many clients got in so many seconds."""

    clients: int
    seconds: float
    answered: list[Answer] = field(default_factory=list)
    refused: list[Answer] = field(default_factory=list)

    @property
    def goodput(self) -> float:
        """Replies in a second."""
        return len(self.answered) / self.seconds

    def __str__(self) -> str:
        refused = sorted(answer.seconds for answer in self.refused)
        words = (
            f", refused {len(refused)}: median {statistics.median(refused) * 1000:.0f} ms, "
            f"99 of 100 within {refused[int(len(refused) * 0.99)] * 1000:.0f} ms"
            if refused
            else ""
        )
        return f"{self.clients} clients: {self.goodput:.1f} replies/s{words}"


async def offered(base: str, clients: int, seconds: float) -> Figures:
    """Have so many clients ask one question after the other; one that is refused pauses and asks again."""
    figures = Figures(clients=clients, seconds=seconds)
    until = time.monotonic() + seconds

    async def ask_on(person: Person) -> None:
        while time.monotonic() < until:
            answer = await person.ask(base, MESSAGE)
            if answer.status == 200:
                figures.answered.append(answer)
                continue
            assert (answer.status, answer.problem) == (503, "overloaded"), answer
            figures.refused.append(answer)
            await asyncio.sleep(random.uniform(0.5, 1.0))

    async with talking() as session, asyncio.TaskGroup() as group:
        for number in range(clients):
            group.create_task(ask_on(Person(session=session, owner=f"user{number}")))
    return figures


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.operations.overload", description=__doc__)
    parser.add_argument("--seconds", type=float, default=15)
    seconds: float = parser.parse_args().seconds
    with rig(servers=1, gap=0.0, **SETTINGS) as machine:
        base = machine.servers[0].base
        peak = asyncio.run(offered(base, CAPACITY, seconds))
        over = asyncio.run(offered(base, 3 * CAPACITY, seconds))
    share = over.goodput / peak.goodput
    sys.stdout.write(f"{peak}\n{over}\ngoodput at three times capacity: {share:.0%} of the peak\n")
    return 0 if share >= 0.9 else 1


if __name__ == "__main__":
    sys.exit(main())
