"""`python -m tests.operations.migrations --seconds 120`: the schema goes up and down under servers that serve."""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from adapters.postgres.migrate import migrate_down, migrate_up
from tests.chaos.ledger import compare
from tests.chaos.rig import rig
from tests.chaos.story import Story
from tests.integration.postgres.test_migrate_under_load import next_release


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.operations.migrations", description=__doc__)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--users", type=int, default=12)
    arguments = parser.parse_args()
    story, took = Story(), list[float]()
    with rig(servers=2, gap=0.02) as machine, tempfile.TemporaryDirectory() as folder:
        newer, role = next_release(Path(folder)), urlsplit(machine.app_url).username

        def migrate(asking: Callable[[], bool]) -> None:
            until = time.monotonic() + arguments.seconds
            while asking() and time.monotonic() < until:
                began = time.monotonic()
                migrate_up(machine.owner_url, role, source=newer)
                migrate_down(machine.owner_url, steps=2, source=newer)
                migrate_up(machine.owner_url, role)
                took.append(time.monotonic() - began)
                time.sleep(0.5)

        bases = [server.base for server in machine.servers]
        story.unfold(bases, arguments.users, migrate, machine.tend)
        findings = compare(machine.inspect_url, story.promises)
    wished = {"cancels", "turn-cancelled"}
    errors = {name: count for name, count in story.seen.items() if name not in wished}
    slowest = max(promise.seconds for promise in story.promises)
    sys.stdout.write(
        f"{len(took)} times up and down, {max(took):.1f} s at most; {len(story.promises)} questions, "
        f"errors that clients saw {errors or 'none'}, longest wait {slowest:.2f} s; {findings.summary()}\n"
    )
    return 0 if findings.clean and not errors else 1


if __name__ == "__main__":
    sys.exit(main())
