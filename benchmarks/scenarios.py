"""What is measured over HTTP: whole turns, streams, a slow model, idle streams, starts."""

import contextlib
import http.client
import subprocess
import time
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from benchmarks.counting import Phase, loading
from benchmarks.extent import Extent
from benchmarks.figures import Results
from benchmarks.processes import NotReadyError, await_ready, environment, free_port, running
from benchmarks.rounds import interleaved, skipping
from benchmarks.servers import ServerUnderTest, Start
from benchmarks.serving import Contender, Surroundings, fill, fill_env, serving

SLOW_SECONDS = 1.0
IDLE_GAP = 3600.0
STUB_GAP = 0.01
LONGEST_OPENING = 60.0
LONGEST_START = 60.0
MILLI = 1000.0
MILLION = 1_000_000.0


def turns(results: Results, contenders: Sequence[Contender], extent: Extent, *, suffix: str = "") -> None:
    """Measure whole turns: rate, latency, processor time and instructions."""
    for callers in extent.callers:
        load = f"{callers} caller{'s' if callers > 1 else ''}{suffix}"
        for name, phases in interleaved(results, contenders, callers, extent).items():
            seen = [phase.seen for phase in phases]
            results.add("turns per second", name, load, "/s", [one.per_second for one in seen])
            results.add("latency p50", name, load, "ms", _milli(one.latency_p50 for one in seen))
            results.add("latency p99", name, load, "ms", _milli(one.latency_p99 for one in seen))
            _note_cost(results, "turn", name, load, phases)


def streams(results: Results, contenders: Sequence[Contender], extent: Extent) -> None:
    """Measure streams, persistence included, and how long the first token takes."""
    for callers in extent.streams:
        load = f"{callers} streams"
        for name, phases in interleaved(results, contenders, callers, extent, streamed=True).items():
            seen = [phase.seen for phase in phases]
            results.add("streams per second", name, load, "/s", [one.per_second for one in seen])
            results.add("first token p50", name, load, "ms", _milli(one.first_p50 for one in seen))
            results.add("first token p99", name, load, "ms", _milli(one.first_p99 for one in seen))
            _note_cost(results, "stream", name, load, phases)


def slow_model(
    results: Results, servers: Sequence[ServerUnderTest], around: Surroundings, extent: Extent
) -> None:
    """Measure many callers of a model that takes a second, on eight database connections."""
    load = f"{extent.slow_callers} callers, 1 s model"
    for server in servers:
        with (
            skipping(results, f"slow model, {server.name}"),
            upstream_set(around, delay=SLOW_SECONDS, back=0.0),
            serving(server, around, extra=server.eight_connections) as contender,
            loading(contender, extent.slow_callers) as callers,
        ):
            callers.phase(each=1)
            seen = callers.phase(seconds=extent.slow_seconds).seen
            results.add("turns per second", server.name, load, "/s", [seen.per_second])
            results.add("latency p50", server.name, load, "ms", _milli([seen.latency_p50]))
            results.add("latency p99", server.name, load, "ms", _milli([seen.latency_p99]))
            results.add("refused", server.name, load, "turns", [float(sum(seen.failures.values()))])


def idle_streams(
    results: Results, servers: Sequence[ServerUnderTest], around: Surroundings, extent: Extent
) -> None:
    """Measure the memory of streams that are open and say nothing after their first token."""
    load = f"{extent.idle_streams} open streams"
    for server in servers:
        with skipping(results, f"idle streams, {server.name}"), serving(server, around) as contender:
            with loading(contender, 1, streamed=True) as one:
                one.phase(each=2)
            before = contender.memory_kb()
            with (
                upstream_set(around, gap=IDLE_GAP, back=STUB_GAP),
                loading(contender, extent.idle_streams, streamed=True) as callers,
            ):
                seen = callers.phase(open=LONGEST_OPENING).seen
                grown = contender.memory_kb() - before
            if seen.failures:
                raise NotReadyError(f"of {extent.idle_streams} streams {seen.failures}")
            results.add("memory per open stream", server.name, load, "KB", [grown / extent.idle_streams])


def starts(results: Results, servers: Sequence[ServerUnderTest], around: Surroundings, extent: Extent) -> None:
    """Measure how long starts take."""
    for server in servers:
        with skipping(results, f"start, {server.name}"):
            taken = []
            for _ in range(extent.starts):
                with serving(server, around) as contender:
                    taken.append(contender.start_seconds * MILLI)
            results.add("start", server.name, "with its database up", "ms", taken)
        for start in server.starts:
            with skipping(results, f"start, {server.name}, {start.label}"):
                seconds = [_start_seconds(server, start, around) for _ in range(start.times)]
                results.add("start", server.name, start.label, "ms", _milli(seconds))


def _note_cost(results: Results, what: str, name: str, load: str, phases: Sequence[Phase]) -> None:
    results.add(
        f"CPU per {what}", name, load, "ms", _milli(each.cpu_seconds / each.seen.turns for each in phases)
    )
    counted = [
        each.instructions / each.seen.turns / MILLION for each in phases if each.instructions is not None
    ]
    results.add(f"instructions per {what}", name, load, "million", counted)


def _milli(seconds: Iterable[float | None]) -> list[float]:
    return [each * MILLI for each in seconds if each is not None]


@contextlib.contextmanager
def upstream_set(around: Surroundings, *, back: float, **setting: float) -> Iterator[None]:
    """Change one setting of the stub while the block runs."""
    _set(around, setting)
    try:
        yield
    finally:
        _set(around, dict.fromkeys(setting, back))


def _set(around: Surroundings, options: dict[str, float]) -> None:
    connection = http.client.HTTPConnection(*around.upstream.addresses[0], timeout=5)
    connection.request("POST", "/settings", msgspec.json.encode(options))
    connection.getresponse().read()
    connection.close()


def _start_seconds(server: ServerUnderTest, start: Start, around: Surroundings) -> float:
    port = free_port()
    places = around.places(server, port)
    command, env = fill(start.command, places), fill_env(start.env, places)
    began = time.perf_counter()
    if start.ready is None:
        subprocess.run(command, env=environment(env), check=True, capture_output=True, timeout=LONGEST_START)
        return time.perf_counter() - began
    with running(command, around.work / "start.log", env) as process:
        return await_ready(process, ("127.0.0.1", port), start.ready, LONGEST_START)
