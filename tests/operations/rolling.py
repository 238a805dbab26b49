"""`python -m tests.operations.rolling --rounds 5`: servers restarted one after the other, under load."""

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.chaos.ledger import Findings, compare
from tests.chaos.rig import Rig, rig
from tests.chaos.story import Story
from tests.operations.balancer import Balancer

SETTINGS = {"CHATCORE_TURN_LEASE": "30", "CHATCORE_DRAIN": "2"}
"""A lease so long that nobody could wait for it to run out: turns are handed over, or clients would notice."""


@dataclass(slots=True, kw_only=True)
class Figures:
    """How the restarts went."""

    findings: Findings
    story: Story
    stops: list[tuple[int, float]] = field(default_factory=list)

    @property
    def slowest(self) -> float:
        """After how many seconds the client who waited longest had its answer."""
        return max(promise.seconds for promise in self.story.promises)

    def __str__(self) -> str:
        return (
            f"restarts {len(self.stops)}, exit codes {sorted({code for code, _ in self.stops})}, "
            f"slowest stop {max(seconds for _, seconds in self.stops):.1f} s\n"
            f"questions {len(self.story.promises)}, completed {self.findings.completed}, "
            f"cancelled {self.findings.cancelled}, slowest answer {self.slowest:.1f} s\n"
            f"what clients saw and got over: {dict(self.story.seen.most_common())}\n"
            f"{self.findings.summary()}"
        )


def roll(machine: Rig, rounds: int, users: int) -> Figures:
    """Restart each server so many times while users ask through the balancer."""
    story = Story()
    stops: list[tuple[int, float]] = []

    def restart(asking: Callable[[], bool]) -> None:
        for server in machine.servers * rounds:
            time.sleep(1)
            if asking():
                stops.append(server.stop())
                server.start()
                server.wait_ready()

    story.unfold(Balancer([server.port for server in machine.servers]), users, restart, machine.tend)
    return Figures(findings=compare(machine.inspect_url, story.promises), story=story, stops=stops)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.operations.rolling", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--users", type=int, default=12)
    arguments = parser.parse_args()
    with rig(servers=2, gap=0.02, **SETTINGS) as machine:
        figures = roll(machine, arguments.rounds, arguments.users)
    sys.stdout.write(f"{figures}\n")
    sys.stdout.writelines(f"{line}\n" for line in figures.findings.details[:10])
    return 0 if figures.findings.clean else 1


if __name__ == "__main__":
    sys.exit(main())
