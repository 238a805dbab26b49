"""The load generator: a process of its own that keeps a number of callers talking over raw keep-alive connections.

`python -m benchmarks.load` reads a job, one line of JSON, then commands, one a line, and answers each with a line:
`{"each": 5}` lets every caller take five turns, `{"seconds": 3}` lets them take turns for three seconds,
`{"open": 60}` begins one stream each and answers once all have shown their first delta (or after 60 seconds).
Each caller continues one conversation over its turns, so that the history window is full after a few.
"""

import asyncio
import resource
import sys
from collections.abc import Coroutine, Sequence

import msgspec
import uvloop

from benchmarks.caller import Caller
from benchmarks.dialects import DIALECTS
from benchmarks.tally import Job, Seen, Tally

LONGEST_WAIT = 300.0


async def _phase(callers: Sequence[Caller], command: dict[str, float]) -> Seen:
    await asyncio.gather(*(caller.connect() for caller in callers))
    tally, window = Tally(), command.get("seconds")
    if "open" in command:
        await _all_within(command["open"], tally, [caller.open(tally) for caller in callers])
        return tally.seen(None)
    until = None if window is None else tally.began + window
    each = int(command["each"]) if "each" in command else None
    talks = [caller.turns(tally, until=until, each=each) for caller in callers]
    await _all_within((window or 0) + LONGEST_WAIT, tally, talks)
    for caller in callers:
        caller.disconnect()
    return tally.seen(window)


async def _all_within(seconds: float, tally: Tally, talks: Sequence[Coroutine[None, None, None]]) -> None:
    """Wait for all talks, but not for ever: a caller without an answer is a failure."""
    tasks = [asyncio.create_task(talk) for talk in talks]
    done, waiting = await asyncio.wait(tasks, timeout=seconds)
    for task in waiting:
        task.cancel()
        tally.failures["no answer"] += 1
    for task in done:
        task.result()


async def _main() -> None:
    loop = asyncio.get_running_loop()
    job = msgspec.json.decode(await loop.run_in_executor(None, sys.stdin.readline), type=Job)
    dialect = DIALECTS[job.dialect]
    callers = [Caller(number, job, dialect) for number in range(job.callers)]
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        seen = await _phase(callers, msgspec.json.decode(line, type=dict[str, float]))
        print(msgspec.json.encode(seen).decode(), flush=True)


if __name__ == "__main__":
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    uvloop.run(_main())
