"""`python -m tests.operations.faults docs/faults.md`: what clients see of each fault of a model provider."""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.chaos.rig import Rig, rig
from tests.chaos.talking import Heard, Person, fresh_key, talking
from tests.upstream.faults import FAULTS
from tests.upstream.wire import SECRET

TIMEOUT = 2.0
"""Seconds that a model call may take."""
SLACK = 1.5
"""Seconds that everything else may take, on a busy machine."""
MODEL = {"CHATCORE_MODEL": "told", "CHATCORE_MODEL_TIMEOUT": str(TIMEOUT)}
INTRODUCTION = f"""# What clients see of a faulty model provider

Written by `python -m tests.operations.faults docs/faults.md`, which makes a provider fail in each of these ways
behind a server whose model calls may take {TIMEOUT:g} s, at both doors, streamed and not. After each retryable
failure the provider is mended, and the same request with the same `Idempotency-Key` has to give the reply of the
same turn; after each final one it has to give the same failure again, without asking the provider.

A stream shows the same problem in its last event, `error`. “/chat” and “/api” are the statuses of the two doors.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of one request: a status, the problem's slug, if any, whether it may pass, and when to retry."""

    status: int
    problem: str
    retryable: bool
    retry_after: int | None
    turn_id: str
    text: str
    replayed: bool
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Suffered:
    """One fault, and what was seen of it when it happened and when it was over."""

    fault: str
    streamed: bool
    public: bool
    first: Outcome
    again: Outcome
    calls_again: int

    def complaints(self) -> Iterable[str]:
        """Yield what is not as it should be."""
        first, again = self.first, self.again
        if first.seconds > TIMEOUT + SLACK:
            yield f"it took {first.seconds:.1f} s"
        if first.turn_id and again.turn_id and first.turn_id != again.turn_id:
            yield "another turn was made"
        if first.retryable and again.problem:
            yield f"the same key did not succeed afterwards: {again.problem}"
        if first.retryable and not 1 <= (first.retry_after or 0) <= 60:
            yield f"Retry-After is {first.retry_after}"
        same = first.problem, first.status, first.text
        if not first.retryable and ((again.problem, again.status, again.text) != same or self.calls_again):
            yield f"what is final was not replayed: {again}, with {self.calls_again} calls"


async def asked(person: Person, base: str, question: str, key: str, *, streamed: bool) -> Outcome:
    """Ask, and return what came of it."""
    if not streamed:
        answer = await person.ask(base, question, key)
        check_silence(answer.body)
        replayed = "Idempotency-Replayed" in answer.headers
        turn_id = answer.headers.get("X-Turn-Id", "")
        if answer.status == 200:
            text = answer.body["message"]["content"] if person.owner else answer.body["response"]
            return _good(turn_id, text, answer.seconds, replayed=replayed)
        return _bad(answer.body, turn_id, answer.seconds, replayed=replayed)
    began, heard = time.monotonic(), Heard()
    async with person.stream(base, question, key) as response:
        assert response.status == 200, await response.text()
        replayed = "Idempotency-Replayed" in response.headers
        await heard.listen_to_the_end(response)
    seconds = time.monotonic() - began
    check_silence(heard.events)
    if heard.ending == "done":
        assert heard.text == heard.last["message"]["content"]
        return _good(heard.turn_id, heard.text, seconds, replayed=replayed)
    return _bad(heard.last["problem"], heard.turn_id, seconds, replayed=replayed)


def check_silence(said: object) -> None:
    """See to it that nothing of the provider's own words is shown."""
    text = json.dumps(said)
    assert SECRET not in text, text
    assert "Traceback" not in text, text


def _good(turn_id: str, text: str, seconds: float, *, replayed: bool) -> Outcome:
    return Outcome(
        status=200,
        problem="",
        retryable=False,
        retry_after=None,
        turn_id=turn_id,
        text=text,
        replayed=replayed,
        seconds=seconds,
    )


def _bad(problem: dict[str, Any], turn_id: str, seconds: float, *, replayed: bool) -> Outcome:
    return Outcome(
        status=problem["status"],
        problem=problem["type"].removeprefix("/problems/"),
        retryable=problem["retryable"],
        retry_after=problem.get("retry_after"),
        turn_id=turn_id,
        text="",
        replayed=replayed,
        seconds=seconds,
    )


async def suffer(machine: Rig, person: Person, fault: str, *, streamed: bool) -> Suffered:
    """Let the provider fail, mend it, and ask again with the same key."""
    base, upstream = machine.servers[0].base, machine.upstream
    question, key = f"fault:{fault} {fresh_key()}", fresh_key()
    upstream.heal(healthy=False)
    first = await asked(person, base, question, key, streamed=streamed)
    upstream.heal(healthy=True)
    calls = upstream.stats()["calls"]
    again = await asked(person, base, question, key, streamed=streamed)
    return Suffered(
        fault=fault,
        streamed=streamed,
        public=person.owner is None,
        first=first,
        again=again,
        calls_again=upstream.stats()["calls"] - calls,
    )


async def all_suffered(machine: Rig) -> list[Suffered]:
    """Suffer every fault at both doors, streamed and not."""
    async with talking(30) as session:
        people = Person(session=session, owner="ada"), Person(session=session)
        return [
            await suffer(machine, person, fault, streamed=streamed)
            for fault in FAULTS
            for person in people
            for streamed in (False, True)
        ]


def table(suffered: list[Suffered]) -> Iterable[str]:
    """Yield the lines of a document."""
    yield INTRODUCTION
    yield "| fault | asked for | /chat | /api | problem | retryable | Retry-After | seconds |"
    yield "|---|---|---|---|---|---|---|---|"
    for fault in FAULTS:
        for streamed in (False, True):
            public, known = (
                next(
                    one for one in suffered if (one.fault, one.streamed, one.public) == (fault, streamed, door)
                )
                for door in (True, False)
            )
            first = known.first
            cells = (
                fault,
                "a stream" if streamed else "JSON",
                public.first.status,
                first.status,
                first.problem or "-",
                {True: "yes", False: "no" if first.problem else "-"}[first.retryable],
                first.retry_after or "-",
                f"{max(public.first.seconds, first.seconds):.1f}",
            )
            yield f"| {' | '.join(map(str, cells))} |"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.operations.faults", description=__doc__)
    parser.add_argument("document", type=Path)
    document: Path = parser.parse_args().document
    with rig(servers=1, gap=0.0, **MODEL) as machine:
        before = machine.servers[0].resident()
        suffered = asyncio.run(all_suffered(machine))
        grown = machine.servers[0].resident() - before
    complaints = [
        f"{one.fault} {one.streamed=} {one.public=}: {words}" for one in suffered for words in one.complaints()
    ]
    document.write_text("\n".join(table(suffered)) + "\n", encoding="utf-8")
    sys.stdout.write("\n".join([*complaints, f"{len(suffered)} requests, memory grown {grown / 1e6:.0f} MB\n"]))
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
