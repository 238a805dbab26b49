"""`python -m tests.chaos --seconds 600`: the crash suite at any length, with its figures."""

import argparse
import asyncio
import random
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from tests.chaos.clients import Bases, Client
from tests.chaos.ledger import Findings, Promise, compare
from tests.chaos.rig import LEASE_SECONDS, Rig, rig
from tests.chaos.talking import talking

ASK_SECONDS = 20


@dataclass(slots=True, kw_only=True)
class Story:
    """What was promised to clients, and what they saw meanwhile."""

    promises: list[Promise] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)

    async def load(self, machine: Rig, users: int, stop: threading.Event) -> None:
        """Let users, every third of them anonymous, ask until told to stop, then let each be answered."""
        bases = Bases(all=[server.base for server in machine.servers])
        async with talking(ASK_SECONDS) as session, asyncio.TaskGroup() as group:
            for number in range(users):
                client = Client(
                    name=f"user{number}",
                    known=number % 3 > 0,
                    bases=bases,
                    promises=self.promises,
                    stop=stop,
                    seen=self.seen,
                )
                group.create_task(client.run(session))


def broken(machine: Rig, seconds: float, users: int) -> Story:
    """Break things for so many seconds while users ask. The main thread breaks: only it may start processes."""
    stop, story = threading.Event(), Story()
    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(asyncio.run, story.load(machine, users, stop))
        try:
            until = time.monotonic() + seconds
            while time.monotonic() < until and not asking.done():
                time.sleep(random.uniform(0.5, 2.5))
                machine.break_something()
        finally:
            stop.set()
        asking.result()
    return story


def run(seconds: float, users: int) -> tuple[Findings, str]:
    """Return what was found, and a report of it."""
    with rig(gap=0.02, CHATCORE_MODEL="mixed:8", CHATCORE_DRAIN="2") as machine:
        story = broken(machine, seconds, users)
        time.sleep(2 * LEASE_SECONDS)
        findings = compare(machine.inspect_url, story.promises)
        lines = [
            f"broken: {machine.kills}",
            f"questions {len(story.promises)}",
            f"acknowledged {findings.acknowledged}, completed {findings.completed}, cancelled {findings.cancelled}",
            f"what clients saw and got over: {dict(story.seen.most_common())}",
            findings.summary(),
            *findings.details[:20],
        ]
    return findings, "\n".join(lines)


def main() -> int:
    """Run as told on the command line; exit with 1 if a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--users", type=int, default=24)
    parser.add_argument("--seed", type=int, default=None)
    arguments = parser.parse_args()
    random.seed(arguments.seed)
    findings, report = run(arguments.seconds, arguments.users)
    sys.stdout.write(report + "\n")
    return 0 if findings.clean and findings.completed else 1


if __name__ == "__main__":
    sys.exit(main())
