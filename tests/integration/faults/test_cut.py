"""A connection is cut at any byte, and after the repetition there is exactly one turn."""

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass

import pytest

from adapters.postgres.database import Database
from adapters.postgres.turn_store import PostgresTurnStore
from chatcore.ports.turn_store import Opened
from chatcore.turn import TurnStatus
from tests.contract.turns import ANSWER, CALL, OWNER, opening
from tests.databases import Database as Server
from tests.integration.faults.asking import comes_to_rest, opened
from tests.integration.faults.proxy import Fuse, Proxy, Way
from tests.integration.faults.recorded import rows

pytestmark = pytest.mark.anyio
TURN = {"conversation": 1, "turn": 1, "message": 2, "turn_chunk": 0, "model_call": 1}
STEPS = ("begin", "checkpoint", "finish")


@dataclass
class Bench:
    """A store of turns behind a proxy, and the database that it is asked through."""

    proxy: Proxy
    server: Server
    database: Database
    store: PostgresTurnStore
    turns: int = 0

    async def turn(self, cut: str = "", fuse: Fuse | None = None) -> dict[str, dict[Way, int]]:
        """Record a turn of an owner of its own, the step `cut` with a fuse; return the bytes of each step."""
        self.turns += 1
        owner = f"{OWNER}{self.turns}"
        spent: dict[str, dict[Way, int]] = {}
        wish = opening(owner=owner, key="k")

        async def begin() -> None:
            answer = await self.store.begin(wish)
            assert isinstance(answer, Opened), answer
            assert (answer.lease.token, answer.lease.attempt) == (wish.claim.token, 1)
            self.lease = answer.lease

        async def checkpoint() -> None:
            assert not await self.store.checkpoint(self.lease, "An ", 3)

        async def finish() -> None:
            turn = await self.store.finish(self.lease, ANSWER, [CALL])
            assert turn.status is TurnStatus.COMPLETED
            assert turn.reply is not None
            assert turn.reply.content == ANSWER.text

        for name, step in zip(STEPS, (begin, checkpoint, finish), strict=True):
            before = dict(self.proxy.passed)
            self.proxy.fuse = fuse if name == cut else None
            await step()
            spent[name] = {way: self.proxy.passed[way] - before[way] for way in Way}
        assert await rows(self.server, owner) == TURN, (cut, fuse)
        return spent


@pytest.fixture(params=[True, False], ids=["prepared", "unprepared"])
async def bench(request: pytest.FixtureRequest, proxy: Proxy, database: Server) -> AsyncIterator[Bench]:
    async with opened(proxy.conninfo, budget=5.0, max_size=1, prepare=request.param) as asked:
        yield Bench(proxy=proxy, database=asked, server=database, store=PostgresTurnStore(asked))


def places(length: int, every: int) -> Iterable[int]:
    """Return byte counts to cut after: none, the outermost, and some between."""
    return sorted({0, 1, 2, 5, *range(1, length, every), length - 1, length})


async def sweep(bench: Bench, every: int) -> int:
    """Cut each step of a turn after 1, 1 + every, … bytes each way; return how often."""
    await bench.turn()
    spent = await bench.turn()
    cuts = 0
    for name, ways in spent.items():
        for way, length in ways.items():
            for place in places(length, every):
                await bench.turn(name, Fuse(way=way, left=place, harshly=bool(cuts % 2)))
                cuts += 1
    assert bench.proxy.blown == cuts
    assert await comes_to_rest(bench.database)
    return cuts


async def test_a_connection_cut_at_many_bytes_leaves_one_turn(bench: Bench) -> None:
    assert await sweep(bench, every=127) > 30


@pytest.mark.chaos
async def test_a_connection_cut_at_any_byte_leaves_one_turn(bench: Bench) -> None:
    assert await sweep(bench, every=1) > 1000
