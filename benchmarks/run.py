"""The driver: one command starts everything, measures in turns, and writes a page and the raw figures."""

import argparse
import contextlib
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NoReturn

from benchmarks import callgrind, machine, report, scenarios, statements
from benchmarks.counting import counts_instructions
from benchmarks.database import postgres
from benchmarks.extent import FULL, QUICK, Extent
from benchmarks.figures import Results
from benchmarks.processes import await_ready, free_port, raise_open_files, running
from benchmarks.rounds import all_serving, skipping
from benchmarks.servers import ROOT, SERVERS, ServerUnderTest
from benchmarks.serving import Contender, Surroundings, install_usual, prepare

RESULTS: Final = Path(__file__).parent / "results"
TWO_PROCESS_CALLERS: Final = (64,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What a part of the run is given."""

    results: Results
    servers: Sequence[ServerUnderTest]
    around: Surroundings
    extent: Extent


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is asked for; the exit code is 0 whatever the figures say."""
    chosen = _parser().parse_args(arguments)
    extent = _extent(chosen)
    signal.signal(signal.SIGTERM, _end)
    raise_open_files()
    results, began = Results(), time.monotonic()
    facts = {"when": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC", "extent": extent.name, **machine.description()}
    if not counts_instructions():
        results.skip("instructions by perf", "this machine does not count them for us; --callgrind does")
    with tempfile.TemporaryDirectory(prefix="chatcore-bench-", ignore_cleanup_errors=True) as directory:
        work = Path(directory)
        work.chmod(0o711)
        with skipping(results, "everything"), _surroundings(work) as around:
            facts |= machine.versions(around.postgres.version())
            _measure(chosen, results, around, extent)
    page = report.write(Path(chosen.out), results, facts)
    _say(report.as_text(results))
    _say(f"{time.monotonic() - began:.0f} s. Look at {page}")
    return 0


def _measure(chosen: argparse.Namespace, results: Results, around: Surroundings, extent: Extent) -> None:
    ready = list(_prepared(results, _named(chosen.servers.split(",")), around))
    bench = Bench(results=results, servers=ready, around=around, extent=extent)
    for part in [part for part in PARTS if not chosen.only or part in chosen.only.split(",")]:
        _say(f"{part} …")
        with skipping(results, part):
            PARTS[part](bench)
    if chosen.callgrind:
        _say("callgrind …")
        callgrind.count(results, ready, around)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few minutes instead of many")
    parser.add_argument(
        "--servers", default="usual,chatcore", help=f"of {', '.join(SERVERS)}; one named twice is run twice"
    )
    parser.add_argument("--only", default="", help=f"of {','.join(PARTS)}")
    parser.add_argument("--callers", default="", help="numbers of callers for whole turns, such as 1,16")
    parser.add_argument("--rounds", type=int, default=0, help="rounds of each measurement")
    parser.add_argument("--seconds", type=float, default=0.0, help="seconds of each round")
    parser.add_argument("--callgrind", action="store_true", help="count instructions under valgrind too (slow)")
    parser.add_argument("--out", default=str(RESULTS), help="where the page and the figures go")
    return parser


def _extent(chosen: argparse.Namespace) -> Extent:
    extent = QUICK if chosen.quick else FULL
    callers = tuple(int(each) for each in chosen.callers.split(",") if each)
    return replace(
        extent,
        callers=callers or extent.callers,
        rounds=chosen.rounds or extent.rounds,
        seconds=chosen.seconds or extent.seconds,
    )


def _named(names: Sequence[str]) -> Iterator[ServerUnderTest]:
    for place, name in enumerate(names):
        server, before = SERVERS[name](), names[:place].count(name)
        yield replace(server, name=f"{name}-{before + 1}") if before else server


@contextlib.contextmanager
def _surroundings(work: Path) -> Iterator[Surroundings]:
    with contextlib.ExitStack() as stack:
        _say("database and model …")
        database = stack.enter_context(postgres(work))
        port = free_port()
        command = [sys.executable, "-m", "benchmarks.upstream", "--port", str(port)]
        process = stack.enter_context(running(command, work / "upstream.log", {"PYTHONPATH": str(ROOT)}))
        await_ready(process, ("127.0.0.1", port), "/health", 10)
        model = Contender(name="model", dialect="model", processes=(process,), addresses=(("127.0.0.1", port),))
        yield Surroundings(postgres=database, upstream=model, work=work)


def _prepared(
    results: Results, servers: Iterator[ServerUnderTest], around: Surroundings
) -> Iterator[ServerUnderTest]:
    for server in servers:
        _say(f"preparing {server.name} …")
        with skipping(results, server.name):
            if server.command[0].startswith(str(Path(__file__).parent)):
                install_usual()
            prepare(server, around)
            yield server


def _turns(bench: Bench) -> None:
    with all_serving(bench.results, bench.servers, bench.around) as contenders:
        scenarios.turns(bench.results, [bench.around.upstream, *contenders], bench.extent)


def _streams(bench: Bench) -> None:
    with all_serving(bench.results, bench.servers, bench.around) as contenders:
        scenarios.streams(bench.results, [bench.around.upstream, *contenders], bench.extent)


def _processes(bench: Bench) -> None:
    extent = replace(bench.extent, callers=TWO_PROCESS_CALLERS)
    with all_serving(bench.results, bench.servers, bench.around, processes=2) as contenders:
        scenarios.turns(bench.results, contenders, extent, suffix=", 2 processes")


def _slow(bench: Bench) -> None:
    scenarios.slow_model(bench.results, bench.servers, bench.around, bench.extent)


def _idle(bench: Bench) -> None:
    scenarios.idle_streams(bench.results, bench.servers, bench.around, bench.extent)


def _starts(bench: Bench) -> None:
    scenarios.starts(bench.results, bench.servers, bench.around, bench.extent)


def _pgbench(bench: Bench) -> None:
    for server in bench.servers:
        if server.name == "chatcore":
            statements.pgbench(bench.results, server, bench.around, bench.extent)


def _growth(bench: Bench) -> None:
    for server in bench.servers:
        if server.name == "chatcore":
            statements.growth(bench.results, server, bench.around, bench.extent)


PARTS: Final[Mapping[str, Callable[[Bench], None]]] = {
    "turns": _turns,
    "streams": _streams,
    "slow": _slow,
    "processes": _processes,
    "idle": _idle,
    "starts": _starts,
    "pgbench": _pgbench,
    "growth": _growth,
}


def _say(words: str) -> None:
    print(words, flush=True)


def _end(number: int, _: object) -> NoReturn:
    sys.exit(128 + number)
