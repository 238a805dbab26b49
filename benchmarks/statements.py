"""The database alone: our own statements under pgbench, and what a long history does to them.

`pgbench/*.sql` are scripts of one turn each, run against the migrated database of this project's server, by the bare
role; `pgbench/setup/*.sql` are run before, by the owner. `growth/seed.sql` (psql variables `messages`, `total`) makes
a conversation of so many messages in a table of so many; `growth/begin.sql` is the statement whose time is taken, and
has the variable `messages` to find that conversation by.
"""

from pathlib import Path
from typing import Final

from benchmarks.extent import Extent
from benchmarks.figures import Results
from benchmarks.rounds import skipping
from benchmarks.servers import ServerUnderTest
from benchmarks.serving import Surroundings, database_of

HERE: Final = Path(__file__).parent
SMALL_HISTORY: Final = 10
MILLI: Final = 1000.0


def pgbench(results: Results, server: ServerUnderTest, around: Surroundings, extent: Extent) -> None:
    """Measure our statements without any Python."""
    scripts = sorted((HERE / "pgbench").glob("*.sql"))
    if not scripts:
        results.skip("pgbench", "no script in benchmarks/pgbench")
        return
    load = f"{extent.pgbench_clients} callers"
    with skipping(results, "pgbench"):
        for setup in sorted((HERE / "pgbench" / "setup").glob("*.sql")):
            around.postgres.run_file(database_of(server), setup, {})
        for script in scripts:
            rates = [
                around.postgres.pgbench(
                    database_of(server), script, clients=extent.pgbench_clients, seconds=int(extent.seconds)
                )
                for _ in range(extent.rounds)
            ]
            results.add("turns per second", f"pgbench {script.stem}", load, "/s", rates)


def growth(results: Results, server: ServerUnderTest, around: Surroundings, extent: Extent) -> None:
    """Measure the begin statement at a short history, and at a long one in a long table."""
    seed, begin = HERE / "growth" / "seed.sql", HERE / "growth" / "begin.sql"
    if not seed.exists() or not begin.exists():
        results.skip("growth", "no benchmarks/growth/seed.sql and begin.sql")
        return
    seconds = int(extent.seconds)
    with skipping(results, "growth"):
        for messages, total in ((SMALL_HISTORY, SMALL_HISTORY), (extent.grown_messages, extent.grown_table)):
            around.postgres.run_file(
                database_of(server), seed, {"messages": str(messages), "total": str(total)}
            )
            rates = [
                around.postgres.pgbench(
                    database_of(server), begin, clients=1, seconds=seconds, messages=messages
                )
                for _ in range(extent.rounds)
            ]
            load = f"{messages:,} messages of {total:,}"
            results.add("begin statement", server.name, load, "ms", [MILLI / rate for rate in rates if rate])
