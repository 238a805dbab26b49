"""What clients see of a faulty provider, behind a server of its own: typed, in time, and over when it is over."""

import asyncio
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.rig import Rig, rig
from tests.chaos.talking import Person, fresh_key, talking
from tests.operations.faults import MODEL, suffer
from tests.upstream.faults import FAULTS

pytestmark = pytest.mark.anyio

DOCUMENT = Path(__file__).parents[2] / "docs" / "faults.md"
SOME = (
    "hang-before-first-token",
    "hang-after-first-token",
    "reset-at-once",
    "close-in-reply",
    "server-error",
    "page",
    "not-utf8",
    "endless-line",
    "bomb",
    "empty-reply",
    "quota",
    "context-too-long",
    "filtered-reply",
    "nul",
)
REQUESTS = 60


@pytest.fixture(scope="module")
def machine() -> Iterator[Rig]:
    with rig(servers=1, gap=0.0, **MODEL) as running:
        yield running


async def test_a_wait_that_goes_beyond_the_deadline_is_left_to_the_client(machine: Rig) -> None:
    async with talking() as session:
        seen = await suffer(machine, Person(session=session, owner="ada"), "rate-limited", streamed=False)
    assert (seen.first.status, seen.first.problem, seen.first.retry_after) == (503, "model-unavailable", 7)
    assert list(seen.complaints()) == []


@pytest.mark.parametrize("owner", ["ada", None])
@pytest.mark.parametrize("streamed", [False, True])
async def test_faults_are_typed_and_in_time_and_the_same_key_then_succeeds(
    machine: Rig, owner: str | None, *, streamed: bool
) -> None:
    async with talking() as session:
        person = Person(session=session, owner=owner)
        # Every other fault at each door and way, all of them over two of the four.
        for fault in SOME[bool(owner) ^ streamed :: 2]:
            seen = await suffer(machine, person, fault, streamed=streamed)
            assert list(seen.complaints()) == [], fault


async def test_an_outage_is_not_made_worse_and_is_over_when_it_is_over(machine: Rig) -> None:
    base, upstream = machine.servers[0].base, machine.upstream
    async with talking() as session:
        ada = Person(session=session, owner="ada")
        upstream.heal(healthy=False)
        before = upstream.stats()["calls"]
        answers = [
            answer
            for _ in range(REQUESTS // 4)
            for answer in await asyncio.gather(
                *(ada.ask(base, f"fault:bad-gateway {fresh_key()}") for _ in range(4))
            )
        ]
        calls = upstream.stats()["calls"] - before
        assert {(answer.status, answer.problem) for answer in answers} == {(503, "model-unavailable")}
        assert calls <= 1.1 * REQUESTS
        assert statistics.median(answer.seconds for answer in answers[-20:]) < 0.5
        async with session.get(f"{base}/metrics") as response:
            assert "model_breakers_open 1.0" in await response.text()
        upstream.heal(healthy=True)
        began = time.monotonic()
        while (await ada.ask(base, "Are you back?")).status != 200:
            assert time.monotonic() - began < 25
            await asyncio.sleep(0.5)


def test_the_document_lists_every_fault() -> None:
    listed = {line.split(" | ")[0].removeprefix("| ") for line in DOCUMENT.read_text("utf-8").splitlines()}
    assert set(FAULTS) <= listed
