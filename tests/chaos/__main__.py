"""`python -m tests.chaos --seconds 600`: the crash suite at any length, with its figures."""

import argparse
import random
import sys
import time
from collections.abc import Callable

from tests.chaos.ledger import Findings, compare
from tests.chaos.rig import LEASE_SECONDS, Rig, rig
from tests.chaos.story import Story


def broken(machine: Rig, seconds: float, users: int) -> Story:
    """Break things for so many seconds while users ask."""
    story = Story()

    def breaking(asking: Callable[[], bool]) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until and asking():
            time.sleep(random.uniform(0.5, 2.5))
            machine.break_something()
            machine.tend()

    story.unfold([server.base for server in machine.servers], users, breaking, machine.tend)
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
        if not findings.clean:
            lines += [f"{server.log}:\n{server.log.read_text()[-3000:]}" for server in machine.servers]
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
