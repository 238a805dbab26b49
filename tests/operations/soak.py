"""`python -m tests.operations.soak --minutes 60`: ordinary load for long, and what it leaves behind."""

import argparse
import sys
import time
from collections.abc import Callable

from tests.chaos.ledger import compare
from tests.chaos.rig import rig
from tests.chaos.story import Story

SAMPLES = 60
WARM = 0.2
"""The part of the time in which caches and pools still fill."""
MEGABYTE = 1_000_000


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.operations.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--users", type=int, default=12)
    parser.add_argument(
        "--most", type=float, default=20, help="megabytes that each server may grow by when warm"
    )
    arguments = parser.parse_args()
    story = Story()
    samples: list[tuple[int, int]] = []
    with rig(servers=2, gap=0.02, CHATCORE_MODEL="mixed:2") as machine:

        def watch(asking: Callable[[], bool]) -> None:
            began = time.monotonic()
            for number in range(1, SAMPLES + 1):
                time.sleep(max(0.0, began + number * arguments.minutes * 60 / SAMPLES - time.monotonic()))
                if not asking():
                    return
                memory = max(server.resident() for server in machine.servers)
                files = max(server.open_files() for server in machine.servers)
                samples.append((memory, files))
                sys.stdout.write(
                    f"{time.monotonic() - began:7.0f} s  {memory / MEGABYTE:6.1f} MB  {files:4d} files  "
                    f"{len(story.promises):7d} questions  {dict(story.seen.most_common(8))}\n"
                )
                sys.stdout.flush()

        story.unfold([server.base for server in machine.servers], arguments.users, watch, machine.tend)
        findings = compare(machine.inspect_url, story.promises)
        left = machine.upstream.stats()["open_calls"]
    warm = samples[int(len(samples) * WARM) :]
    grown, opened = warm[-1][0] - warm[0][0], warm[-1][1] - warm[0][1]
    sys.stdout.write(
        f"grown when warm: {grown / MEGABYTE:.1f} MB, {opened} files; upstream calls left open {left}; "
        f"ended by themselves {machine.kills}; completed {findings.completed}; {findings.summary()}\n"
    )
    clean = findings.clean and not machine.kills and not left
    return 0 if clean and grown < arguments.most * MEGABYTE else 1


if __name__ == "__main__":
    sys.exit(main())
