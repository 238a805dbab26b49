"""B6, T4: behind PgBouncer in transaction mode nobody's identity leaks, and its restarts are as short as others."""

import asyncio
from collections.abc import Iterator
from uuid import uuid4

import psycopg
import pytest

from adapters.postgres.conversation_store import PostgresConversationStore
from adapters.postgres.database import Database
from adapters.postgres.turn_store import PostgresTurnStore
from chatcore.errors import ConversationNotFound, TurnNotFound
from chatcore.ports.turn_store import Opened
from tests.contract.turns import ANSWER, opening
from tests.databases import Database as Server
from tests.integration.faults import asking
from tests.integration.faults.asking import comes_to_rest, returns, timed
from tests.integration.faults.controlled import Controlled
from tests.pgbouncer import pgbouncer

pytestmark = pytest.mark.anyio
BACKEND = b"SELECT pg_backend_pid()"
IDENTITY = b"SELECT coalesce(current_setting('chatcore.owner', true), '')"
SEEN = b"SELECT count(*) FROM chatcore.turn"
LINGERING = b"SELECT set_config('chatcore.owner', 'user0', false)"
OWNERS = [f"user{number}" for number in range(8)]


@pytest.fixture
def one_connection(database: Server) -> Iterator[str]:
    """The conninfo of a pooler that has one connection for everybody."""
    with pgbouncer(database.app_url, default_pool_size=1) as conninfo:
        yield conninfo


async def talk(database: Database, owner: str) -> None:
    """Record turns, and find at every step one's own and nothing of anybody else."""
    turns, conversations = PostgresTurnStore(database), PostgresConversationStore(database)
    for _ in range(5):
        begun = await turns.begin(opening(owner=owner, title=owner))
        assert isinstance(begun, Opened)
        await turns.checkpoint(begun.lease, "An ", 3)
        await turns.finish(begun.lease, ANSWER, [])
        page = await conversations.conversations(owner, limit=100, before=None)
        assert {conversation.title for conversation in page.entries} == {owner}
        for other in OWNERS:
            if other != owner:
                with pytest.raises(ConversationNotFound):
                    await conversations.find(other, begun.lease.conversation_id)
                with pytest.raises(TurnNotFound):
                    await turns.look(other, begun.lease.turn_id)


async def test_owners_who_share_one_connection_never_meet(one_connection: str) -> None:
    async with asking.opened(one_connection, prepare=False, max_size=8, budget=5.0) as database:
        talking = [asyncio.create_task(talk(database, owner)) for owner in OWNERS]
        left_behind, backends = set(), set()
        while not all(task.done() for task in talking):
            left_behind.add((await database.call(IDENTITY))[0][0])
            backends.add((await database.call(BACKEND))[0][0])
            assert await database.call(SEEN) == [(0,)]
        await asyncio.gather(*talking)
        assert left_behind == {""}
        assert len(backends) == 1
        assert await comes_to_rest(database)


async def test_an_identity_that_lingers_would_be_seen(one_connection: str) -> None:
    async with asking.opened(one_connection, prepare=False) as database:
        await talk(database, "user0")
        assert await database.call(SEEN) == [(0,)]
        # What no statement of ours does: for the session, and not for the transaction.
        with psycopg.connect(one_connection, autocommit=True, prepare_threshold=None) as other:
            other.execute(LINGERING)
        assert await database.call(IDENTITY) == [("user0",)]
        assert await database.call(SEEN) == [(5,)]
        # Every statement of ours sets its own all the same.
        with pytest.raises(TurnNotFound):
            await PostgresTurnStore(database).look("user1", uuid4())
        await talk(database, "user1")


async def test_a_restart_behind_the_pooler_is_over_within_two_seconds(server: Controlled) -> None:
    with pgbouncer(server.app_url) as conninfo:
        async with asking.opened(conninfo, prepare=False, budget=5.0) as database:
            await asyncio.gather(*(database.call(BACKEND) for _ in range(8)))
            await server.crash()
            call = asyncio.create_task(timed(database.call(BACKEND)))
            await asyncio.sleep(0.5)
            await server.start()
            assert await returns(database) < 2
            assert (await call).error is None
            answers = await asyncio.gather(*(timed(database.call(BACKEND)) for _ in range(40)))
            assert all(answer.error is None for answer in answers)
            assert await comes_to_rest(database)


async def test_a_pooler_that_is_restarted_is_found_again(database: Server) -> None:
    with pgbouncer(database.app_url) as conninfo:
        async with asking.opened(conninfo, prepare=False) as asked:
            await asyncio.gather(*(asked.call(BACKEND) for _ in range(8)))
    # It listens no more, and that is told in time.
    async with asking.opened(conninfo, prepare=False) as asked:
        refused = await timed(asked.call(BACKEND))
        assert refused.error is not None
        assert refused.seconds < asking.SECONDS + 1


async def test_limits_that_a_pooler_takes_from_nobody_hold_all_the_same(one_connection: str) -> None:
    async with asking.opened(one_connection, prepare=False) as database:
        assert await database.call(b"SHOW statement_timeout") == [("10s",)]
        assert await database.call(b"SHOW lock_timeout") == [("2s",)]
