"""`python -m tests.operations.crashes --seconds 300 [--pooled]`: PostgreSQL crashes every two seconds, for minutes."""

import argparse
import asyncio
import logging
import sys
from contextlib import nullcontext

from tests.integration.faults.controlled import Controlled, controlled
from tests.integration.faults.test_crashes import Load, crashed, hold
from tests.pgbouncer import pgbouncer


def broken(server: Controlled, seconds: float, *, pooled: bool) -> Load:
    """Crash the server for so many seconds under load, and hold what was promised against what is recorded."""
    with pgbouncer(server.app_url) if pooled else nullcontext() as conninfo:
        load = asyncio.run(crashed(server, seconds, pooled=conninfo))
    hold(server, load)
    return load


def main() -> int:
    """Run as told on the command line; what is lost or doubled ends it with an AssertionError that says what."""
    parser = argparse.ArgumentParser(prog="python -m tests.operations.crashes", description=__doc__)
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--pooled", action="store_true", help="by way of PgBouncer")
    arguments = parser.parse_args()
    # A pool that cannot connect says so some thousand times.
    logging.disable(logging.WARNING)
    with controlled() as server:
        load = broken(server, arguments.seconds, pooled=arguments.pooled)
    sys.stdout.write(f"{load.figures()}; lost 0, doubled 0\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
