"""Instructions per turn under valgrind, for machines whose own counters are out of reach: slow, and exact."""

import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.counting import Load, loading
from benchmarks.figures import Results
from benchmarks.processes import NotReadyError
from benchmarks.rounds import skipping
from benchmarks.scenarios import STUB_GAP, upstream_set
from benchmarks.servers import ServerUnderTest
from benchmarks.serving import Contender, Surroundings, serving

CALLERS, WARM, COUNTED = 4, 12, 50
WARM_STREAMS, COUNTED_STREAMS = 1, 4
# Under valgrind a server is some fifty times slower: chunks must come slowly enough to be read one by one.
GAP = 0.1
LONGEST_START = 400.0
MILLION = 1_000_000.0
LOAD = "callgrind"


def count(results: Results, servers: Sequence[ServerUnderTest], around: Surroundings) -> None:
    """Count each server's instructions over a few hundred turns and a few streams."""
    if shutil.which("valgrind") is None or shutil.which("callgrind_control") is None:
        results.skip("instructions by callgrind", "valgrind is not installed")
        return
    for server in servers:
        out = around.work / f"callgrind.{server.name}"
        valgrind = ("valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", "--quiet", "--vgdb-poll=200")
        # A start that is not counted takes a tenth of the time.
        watched = replace(server, command=(*valgrind, "--instr-atstart=no", *server.command))
        with (
            skipping(results, f"callgrind, {server.name}"),
            serving(watched, around, patience=LONGEST_START) as contender,
        ):
            with loading(contender, CALLERS) as load:
                counted = _counted(contender, load, out, warm=WARM, each=COUNTED)
                results.add("instructions per turn", server.name, LOAD, "million", [counted])
            with (
                upstream_set(around, gap=GAP, back=STUB_GAP),
                loading(contender, CALLERS, streamed=True) as load,
            ):
                counted = _counted(contender, load, out, warm=WARM_STREAMS, each=COUNTED_STREAMS)
                results.add("instructions per stream", server.name, LOAD, "million", [counted])


def _counted(contender: Contender, load: Load, out: Path, *, warm: int, each: int) -> float:
    load.phase(each=warm)
    _control(contender, "--instr=on")
    load.phase(each=1)
    _control(contender, "--zero")
    seen = load.phase(each=each).seen
    _control(contender, "--dump")
    _control(contender, "--instr=off")
    if seen.failures:
        raise NotReadyError(f"under valgrind {seen.failures}")
    dumps = sorted(out.parent.glob(f"{out.name}.*"), key=lambda dump: int(dump.suffix[1:]))
    if not dumps:
        raise NotReadyError("valgrind wrote no dump")
    return _total(dumps[-1]) / seen.turns / MILLION


def _control(contender: Contender, order: str) -> None:
    pid = contender.processes[0].pid
    # Valgrind names its pipes after the variables USER and HOST, and a server may be given a HOST.
    env = dict(pair.split("=", 1) for pair in Path(f"/proc/{pid}/environ").read_text().split("\0") if pair)
    command = ["callgrind_control", order, str(pid)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=env, timeout=120)
    if done.returncode != 0:
        raise NotReadyError(f"callgrind_control: {done.stderr}")


def _total(dump: Path) -> float:
    found = re.search(r"^(?:totals|summary): (\d+)", dump.read_text(), re.MULTILINE)
    if found is None:
        raise NotReadyError(f"no total in {dump.name}")
    return float(found[1])
