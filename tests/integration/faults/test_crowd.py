"""Far more turns at once than connections, because no connection is held while the model speaks."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from time import monotonic
from uuid import uuid4

import pytest
from uuid_utils.compat import uuid7

from adapters.postgres.database import Database
from adapters.postgres.turn_store import PostgresTurnStore
from adapters.scripted import Reply, ScriptedLanguageModel
from chatcore.chat import Asked, Chat, Patience, Question
from chatcore.events import Done
from chatcore.listen import Listener, Pace
from chatcore.prompt import ASSISTANT
from chatcore.speaker import Speaker
from chatcore.speech import Tempo
from tests.databases import Database as Server
from tests.integration.faults import asking
from tests.integration.faults.asking import comes_to_rest, soon, timed
from tests.integration.faults.proxy import Proxy
from tests.integration.faults.recorded import rows

pytestmark = pytest.mark.anyio
TURNS, CONNECTIONS, SPEAKING = 200, 4, 0.2


@dataclass
class Engine:
    """The whole engine on a pool of four connections, its model under our control."""

    database: Database
    model: ScriptedLanguageModel

    def __post_init__(self) -> None:
        store = PostgresTurnStore(self.database)
        self.speaker = Speaker(
            store=store, model=self.model, observe=lambda _: None, tempo=Tempo(), capacity=2 * TURNS
        )
        self.chat = Chat(store=store, speaker=self.speaker, new_id=uuid7, patience=Patience())
        self.listener = Listener(store=store, speaker=self.speaker, pace=Pace())

    async def ask(self, owner: str, *, streamed: bool = False) -> Asked:
        question = Question(text="Why?", key=str(uuid4()), fingerprint=b"f", streamed=streamed)
        return await self.chat.ask(owner, ASSISTANT, question)

    async def replied(self, owner: str, *, streamed: bool) -> Done:
        asked = await self.ask(owner, streamed=streamed)
        ending = await self.listener.ending(owner, asked.turn_id, asked.live)
        assert isinstance(ending, Done), ending
        return ending


@pytest.fixture
async def small_pool(database: Server) -> AsyncIterator[Database]:
    async with asking.opened(database.app_url, budget=5.0, max_size=CONNECTIONS) as made:
        yield made


@pytest.mark.parametrize("streamed", [False, True])
async def test_two_hundred_turns_at_once_complete_on_four_connections(
    database: Server, small_pool: Database, *, streamed: bool
) -> None:
    engine = Engine(small_pool, ScriptedLanguageModel(["Because."], gap=SPEAKING))
    began = monotonic()
    endings = await asyncio.gather(
        *(engine.replied(f"user{number % 50}", streamed=streamed) for number in range(TURNS))
    )
    took = monotonic() - began
    assert {ending.message.content for ending in endings} == {"Because."}
    assert engine.model.most_speaking > 10 * CONNECTIONS
    # With a connection held for each reply it would have taken at least this long.
    assert took < TURNS / CONNECTIONS * SPEAKING
    assert await comes_to_rest(small_pool)
    found = [await rows(database, f"user{number}") for number in range(50)]
    assert sum(row["turn"] for row in found) == TURNS
    assert sum(row["message"] for row in found) == 2 * TURNS
    assert sum(row["turn_chunk"] for row in found) == 0


async def test_no_connection_is_held_while_the_model_speaks(small_pool: Database) -> None:
    hold = asyncio.Event()
    engine = Engine(small_pool, ScriptedLanguageModel([Reply(pieces=("Because.",), hold=hold)]))
    turns = [asyncio.create_task(engine.replied(f"user{number}", streamed=False)) for number in range(20)]
    assert await soon(lambda: engine.model.speaking == len(turns), 5)
    assert await comes_to_rest(small_pool)
    await asyncio.sleep(0.2)
    figures = small_pool.occupancy()
    assert figures["idle"] == figures["size"] > 0
    assert engine.model.speaking == len(turns)
    hold.set()
    assert len(await asyncio.gather(*turns)) == len(turns)


async def test_more_calls_than_can_be_answered_in_time_cost_no_connection(proxy: Proxy) -> None:
    async with asking.opened(proxy.conninfo, max_size=CONNECTIONS) as database:
        answers = await asyncio.gather(
            *(timed(database.call(b"SELECT pg_sleep(0.05)::text")) for _ in range(TURNS))
        )
        refused = [answer for answer in answers if answer.error is not None]
        assert 0 < len(refused) < TURNS
        assert max(answer.seconds for answer in answers) < asking.SECONDS + 1
        # That is too much load, and no outage: whoever comes later is answered, on the same connections.
        assert not database.away
        assert (await timed(database.call(b"SELECT 1"))).error is None
        assert proxy.accepted == CONNECTIONS
