"""`python -m tests.operations.cuts --cuts 1000`: streams cut at random bytes and resumed on another process."""

import argparse
import asyncio
import random
import sys
import time
from dataclasses import dataclass, field

import aiohttp

from tests.chaos.rig import Rig, rig
from tests.chaos.talking import Heard, Person, fresh_key, talking
from tests.operations.cutter import Cutter

GAP = 0.005
LONGEST = 6_000
"""Bytes of the longest stream, about: cuts are spread over all of it."""
AT_ONCE = 12
SECONDS = 60
_LETTERS = "abcdefghij äöüß €→ 漢字 😀👩\u200d🚀 e\u0301"


@dataclass(slots=True, kw_only=True)
class Figures:
    """What came of it."""

    cuts: int = 0
    turns: int = 0
    resumed: int = 0
    asked_again: int = 0
    moved: int = 0
    different: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"cuts {self.cuts} in {self.turns} turns: resumed {self.resumed} times, {self.moved} of them on "
            f"another process, asked again with the key {self.asked_again}; different replies {len(self.different)}"
        )


@dataclass(slots=True, kw_only=True)
class Listening:
    """One question, and its reply as it is put together from pieces of streams."""

    person: Person
    bases: list[str]
    chance: random.Random
    figures: Figures

    async def hear_out(self, words: int) -> None:
        message = " ".join("".join(self.chance.choices(_LETTERS, k=8)).strip() or "-" for _ in range(words))
        heard, key = Heard(), fresh_key()
        until = time.monotonic() + SECONDS
        while heard.ending is None:
            assert time.monotonic() < until, f"never answered: {heard}"
            try:
                await self._hear(heard, message, key)
            except (aiohttp.ClientError, OSError):
                self.figures.asked_again += not heard.turn_id
                await asyncio.sleep(self.chance.uniform(0.01, 0.05))
        self.figures.turns += 1
        said = heard.last["message"]["content"] if heard.ending == "done" else None
        if not message == heard.text == said:
            self.figures.different.append(f"{message!r} {heard}")

    async def _hear(self, heard: Heard, message: str, key: str) -> None:
        at = 0 if not heard.turn_id and self.chance.random() < 0.7 else 1
        base = self.bases[at]
        if heard.turn_id:
            self.figures.resumed += 1
            self.figures.moved += at
            async with self.person.resume(base, heard) as response:
                await heard.listen_to_the_end(response)
            return
        async with self.person.stream(base, message, key) as response:
            assert response.status == 200, await response.text()
            await heard.listen_to_the_end(response)


async def cut_streams(machine: Rig, cuts: int, seed: int) -> Figures:
    """Ask and be cut until there were so many cuts, at both doors."""
    chance, figures = random.Random(seed), Figures()
    first, second = (server.port for server in machine.servers[:2])
    async with (
        talking(30) as session,
        Cutter(first, longest=LONGEST, chance=chance) as one,
        Cutter(second, longest=LONGEST, chance=chance) as two,
    ):

        async def listen(number: int) -> None:
            while one.cuts + two.cuts < cuts:
                person = Person(session=session, owner=f"user{number}" if number % 2 else None)
                listening = Listening(person=person, bases=[one.base, two.base], chance=chance, figures=figures)
                await listening.hear_out(chance.randint(5, 60))

        async with asyncio.TaskGroup() as group:
            for number in range(AT_ONCE):
                group.create_task(listen(number))
        figures.cuts = one.cuts + two.cuts
    return figures


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.operations.cuts", description=__doc__)
    parser.add_argument("--cuts", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=None)
    arguments = parser.parse_args()
    seed = random.randrange(2**32) if arguments.seed is None else arguments.seed
    with rig(servers=2, gap=GAP) as machine:
        figures = asyncio.run(cut_streams(machine, arguments.cuts, seed))
    sys.stdout.write(f"seed {seed}: {figures}\n")
    sys.stdout.writelines(f"{difference}\n" for difference in figures.different[:10])
    return 1 if figures.different else 0


if __name__ == "__main__":
    sys.exit(main())
