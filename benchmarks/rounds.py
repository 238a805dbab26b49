"""Rounds in turns, A, B, A, B: whatever else the machine does, it does to all of them."""

import contextlib
import subprocess
from collections.abc import Iterator, Mapping, Sequence

from benchmarks.counting import Load, Phase, loading
from benchmarks.extent import Extent
from benchmarks.figures import Results
from benchmarks.processes import NotReadyError
from benchmarks.servers import ServerUnderTest
from benchmarks.serving import Contender, Surroundings, serving

# Enough that a history window of ten messages is full.
WARM_TURNS = 6
WARM_STREAMS = 2
TOLERATED_FAILURES = 0.01


@contextlib.contextmanager
def all_serving(
    results: Results,
    servers: Sequence[ServerUnderTest],
    around: Surroundings,
    *,
    processes: int = 1,
) -> Iterator[list[Contender]]:
    """Run all servers that will run, while the block runs; the others are noted as skipped."""
    with contextlib.ExitStack() as stack:
        contenders = []
        for server in servers:
            with skipping(results, server.name):
                contenders.append(stack.enter_context(serving(server, around, processes=processes)))
        yield contenders


@contextlib.contextmanager
def skipping(results: Results, what: str) -> Iterator[None]:
    """Turn what keeps something from being measured into a note: a benchmark fails no build."""
    try:
        yield
    except (NotReadyError, OSError, ValueError, subprocess.SubprocessError) as error:
        results.skip(what, error)


def interleaved(
    results: Results,
    contenders: Sequence[Contender],
    callers: int,
    extent: Extent,
    *,
    streamed: bool = False,
) -> Mapping[str, list[Phase]]:
    """Measure all contenders under one load and return each one's rounds."""
    phases: dict[str, list[Phase]] = {}
    with contextlib.ExitStack() as stack:
        loads: dict[str, Load] = {}
        for contender in contenders:
            load = stack.enter_context(loading(contender, callers, streamed=streamed))
            with skipping(results, f"{contender.name} at {callers} callers"):
                load.phase(each=WARM_STREAMS if streamed else WARM_TURNS)
                loads[contender.name] = load
        for _ in range(extent.rounds):
            for name, load in loads.items():
                with skipping(results, f"{name} at {callers} callers"):
                    phase = load.phase(seconds=extent.seconds)
                    _judge(phase)
                    phases.setdefault(name, []).append(phase)
    return phases


def _judge(phase: Phase) -> None:
    failed = sum(phase.seen.failures.values())
    if failed > TOLERATED_FAILURES * (phase.seen.turns + failed) or not phase.seen.turns:
        raise NotReadyError(f"{phase.seen.turns} turns, and failures by status: {phase.seen.failures}")
