"""What a phase costs: processor time by /proc, and instructions by perf where the machine counts them."""

import contextlib
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

import msgspec

from benchmarks.processes import NotReadyError, environment
from benchmarks.servers import ROOT, SECRET
from benchmarks.serving import Contender
from benchmarks.tally import Job, Seen

EVENT = "instructions:u"
SETTLE = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """What the callers saw and what it cost the server: processor seconds, and instructions where counted."""

    seen: Seen
    cpu_seconds: float
    instructions: float | None


class Load:
    """A load generator in a process of its own, its callers at one contender."""

    def __init__(self, popen: subprocess.Popen[str], contender: Contender) -> None:
        """Belong to a running generator; use `loading`."""
        self._popen = popen
        self._contender = contender

    def phase(self, **command: float) -> Phase:
        """Run one command of the generator and return what it cost."""
        with _counted_instructions(self._contender) as instructions:
            before = self._contender.cpu_seconds()
            seen = self._ask(command)
            cpu = self._contender.cpu_seconds() - before
        return Phase(seen=seen, cpu_seconds=cpu, instructions=instructions[0] if instructions else None)

    def _ask(self, command: Mapping[str, float]) -> Seen:
        if self._popen.stdin is None or self._popen.stdout is None:
            raise NotReadyError("the load generator has no pipes")
        self._popen.stdin.write(_line(command))
        self._popen.stdin.flush()
        if not (line := self._popen.stdout.readline()):
            raise NotReadyError("the load generator has ended")
        return msgspec.json.decode(line, type=Seen)


@contextlib.contextmanager
def loading(contender: Contender, callers: int, *, streamed: bool = False) -> Iterator[Load]:
    """Run a load generator while the block runs."""
    job = Job(
        dialect=contender.dialect,
        addresses=contender.addresses,
        callers=callers,
        streamed=streamed,
        secret=SECRET,
    )
    popen = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.load"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment({}),
        cwd=ROOT,
    )
    try:
        if popen.stdin is not None:
            popen.stdin.write(_line(job))
        yield Load(popen, contender)
    finally:
        popen.terminate()
        popen.wait()


@cache
def counts_instructions() -> bool:
    """Tell whether perf can count instructions here; virtual machines often cannot."""
    if shutil.which("perf") is None:
        return False
    tried = subprocess.run(
        ["perf", "stat", "-x,", "-e", EVENT, "true"], capture_output=True, text=True, check=False
    )
    return tried.returncode == 0 and "<not" not in tried.stderr


def _line(content: object) -> str:
    return msgspec.json.encode(content).decode() + "\n"


@contextlib.contextmanager
def _counted_instructions(contender: Contender) -> Iterator[list[float]]:
    counted: list[float] = []
    if not counts_instructions():
        yield counted
        return
    pids = ",".join(str(process.pid) for process in contender.processes)
    perf = subprocess.Popen(
        ["perf", "stat", "-x,", "-e", EVENT, "-p", pids], stderr=subprocess.PIPE, text=True, env=environment({})
    )
    time.sleep(SETTLE)
    try:
        yield counted
    finally:
        perf.send_signal(signal.SIGINT)
        fields = perf.communicate()[1].split(",")
        if fields[0].isdigit():
            counted.append(float(fields[0]))
