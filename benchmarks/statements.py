"""The database alone: our own statements under pgbench, and what a long history does to them.

`pgbench/*.sql` are scripts of one turn each, run against the migrated database of this project's server, by the bare
role; `pgbench/setup/*.sql` are run before, by the owner. `growth/seed.sql` (psql variables `messages`, `total`) makes
a conversation of so many messages in a table of so many; `growth/begin.sql` has the statement whose time is taken, and
the variable `messages` to find that conversation by. Statements of ours are written as `benchmarks.scripts` says.
"""

from pathlib import Path
from typing import Final

from benchmarks.extent import Extent
from benchmarks.figures import Results
from benchmarks.rounds import skipping
from benchmarks.scripts import script
from benchmarks.servers import ServerUnderTest
from benchmarks.serving import Surroundings, database_of

HERE: Final = Path(__file__).parent
SMALL_HISTORY: Final = 10


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
        for path in scripts:
            written = _written(path, around)
            rates = [
                around.postgres.pgbench(
                    database_of(server), written, clients=extent.pgbench_clients, seconds=int(extent.seconds)
                )
                for _ in range(extent.rounds)
            ]
            results.add("turns per second", f"pgbench {path.stem}", load, "/s", rates)


def growth(results: Results, server: ServerUnderTest, around: Surroundings, extent: Extent) -> None:
    """Measure the begin statement at a short history, and at a long one in a long table."""
    seed, begin = HERE / "growth" / "seed.sql", HERE / "growth" / "begin.sql"
    if not seed.exists() or not begin.exists():
        results.skip("growth", "no benchmarks/growth/seed.sql and begin.sql")
        return
    with skipping(results, "growth"):
        written = _written(begin, around)
        for messages, total in ((SMALL_HISTORY, SMALL_HISTORY), (extent.grown_messages, extent.grown_table)):
            sizes = {"messages": str(messages), "total": str(total)}
            around.postgres.run_file(database_of(server), seed, sizes)
            taken = [
                around.postgres.milliseconds(
                    database_of(server), written, seconds=int(extent.seconds), messages=messages
                )
                for _ in range(extent.rounds)
            ]
            results.add("begin statement", server.name, f"{messages:,} messages of {total:,}", "ms", taken)


def _written(path: Path, around: Surroundings) -> Path:
    written = around.work / f"pgbench-{path.name}"
    written.write_text(script(path))
    return written
