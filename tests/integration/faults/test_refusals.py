"""PostgreSQL refuses for a while, for real and by every code there is for it: repeated or typed, nothing else."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from uuid import uuid4

import psycopg
import pytest

from adapters.postgres.database import Database
from adapters.postgres.failures import StatementFault
from adapters.postgres.turn_store import PostgresTurnStore
from chatcore.ports.turn_store import Opened
from chatcore.turn import TurnStatus
from tests.contract.turns import ANSWER, OWNER, begun_in_its_turn, opened, opening
from tests.databases import Database as Server
from tests.integration.faults import asking
from tests.integration.faults.asking import SECONDS, comes_to_rest, returns, timed
from tests.integration.faults.recorded import execute, rows

pytestmark = pytest.mark.anyio
BUDGET = 5.0
SLACK = 1.0
OURS = "FROM pg_stat_activity WHERE datname = current_database() AND usename = '{app}'"


@pytest.fixture
async def database_of_app(database: Server) -> AsyncIterator[Database]:
    async with asking.opened(database.app_url, budget=BUDGET) as made:
        yield made


@pytest.fixture
def store(database_of_app: Database) -> PostgresTurnStore:
    return PostgresTurnStore(database_of_app)


@contextmanager
def locked(
    database: Server, table: str, *, owner: str = OWNER, setting: str = ""
) -> Iterator["psycopg.Connection[tuple[object]]"]:
    """Have another session hold every row that an owner has in a table."""
    with psycopg.connect(database.superuser_url) as session:
        if setting:
            session.execute(setting.encode())
        session.execute(f"SELECT FROM chatcore.{table} WHERE owner = '{owner}' FOR UPDATE".encode())
        yield session
        session.rollback()


@asynccontextmanager
async def waiting(database: Server, store: PostgresTurnStore) -> AsyncIterator["asyncio.Task[Opened]"]:
    """Have a question wait for a lock, and release it at the end."""
    before = await opened(store)
    await store.finish(before.lease, ANSWER, [])
    with locked(database, "conversation"):
        question = asyncio.create_task(opened(store, before.lease.conversation_id))
        await asyncio.sleep(0.2)
        assert not question.done()
        yield question


async def test_57p01_a_terminated_backend_is_replaced(database: Server, store: PostgresTurnStore) -> None:
    async with waiting(database, store) as question:
        execute(database.superuser_url, f"SELECT pg_terminate_backend(pid) {OURS.format(app=database.app)}")
        await asyncio.sleep(0.1)
    assert isinstance(await question, Opened)
    assert (await rows(database, OWNER))["turn"] == 2


async def test_57p01_backends_that_were_terminated_while_idle_are_replaced(
    database: Server, store: PostgresTurnStore, database_of_app: Database
) -> None:
    await asyncio.gather(*(store.begin(opening(owner=f"user{number}")) for number in range(8)))
    execute(database.superuser_url, f"SELECT pg_terminate_backend(pid) {OURS.format(app=database.app)}")
    answers = await asyncio.gather(
        *(asking.timed(store.begin(opening(owner=f"other{number}"))) for number in range(8))
    )
    assert all(isinstance(answer.value, Opened) for answer in answers)
    assert max(answer.seconds for answer in answers) < 1
    assert await comes_to_rest(database_of_app)


async def test_57014_a_cancelled_statement_is_repeated(database: Server, store: PostgresTurnStore) -> None:
    async with waiting(database, store) as question:
        execute(database.superuser_url, f"SELECT pg_cancel_backend(pid) {OURS.format(app=database.app)}")
        await asyncio.sleep(0.1)
    assert isinstance(await question, Opened)


async def test_55p03_a_lock_is_waited_for_again_and_if_it_is_held_for_ever_the_database_is_unavailable(
    database: Server, store: PostgresTurnStore, database_of_app: Database
) -> None:
    hers, his = (await opened(store)).lease, (await opened(store, owner="bob")).lease
    with locked(database, "turn"), locked(database, "turn", owner="bob") as brief:
        forever = asyncio.create_task(timed(store.finish(hers, ANSWER, [])))
        for_a_while = asyncio.create_task(store.finish(his, ANSWER, []))
        await asyncio.sleep(2.2)
        assert not for_a_while.done()
        brief.rollback()
        assert (await for_a_while).status is TurnStatus.COMPLETED
        refused = await forever
        assert refused.error is not None
        assert refused.error.retry_after == 2
        assert refused.seconds < BUDGET + SLACK
        # That was one row; the others are not refused for it.
        assert not database_of_app.away
        assert isinstance(await store.begin(opening(owner="bob")), Opened)
    assert (await store.finish(hers, ANSWER, [])).status is TurnStatus.COMPLETED


async def test_40p01_a_deadlock_is_repeated(database: Server, store: PostgresTurnStore) -> None:
    begun = await opened(store)
    with locked(database, "turn", setting="SET deadlock_timeout = '60s'") as session:
        finishing = asyncio.create_task(store.finish(begun.lease, ANSWER, []))
        await asyncio.sleep(0.2)
        # It holds the conversation and waits for the turn; now we wait for it the other way round.
        await asyncio.to_thread(session.execute, b"SELECT FROM chatcore.conversation FOR UPDATE")
    assert (await finishing).status is TurnStatus.COMPLETED
    assert (await rows(database, OWNER))["model_call"] == 0


async def test_40001_serialization_failures_are_repeated(database: Server) -> None:
    execute(
        database.superuser_url,
        f"ALTER DATABASE {database.name} SET default_transaction_isolation = 'serializable'",
    )
    async with asking.opened(database.app_url, budget=BUDGET, max_size=8) as asked:
        store = PostgresTurnStore(asked)
        first = await opened(store)
        await store.finish(first.lease, ANSWER, [])

        async def ask() -> None:
            begun = await begun_in_its_turn(store, opening(first.lease.conversation_id))
            await store.finish(begun.lease, ANSWER, [])

        await asyncio.gather(*(ask() for _ in range(8)))
    found = await rows(database, OWNER)
    assert (found["turn"], found["message"]) == (9, 18)


async def test_25006_a_server_that_became_read_only_is_waited_for(
    database: Server, store: PostgresTurnStore
) -> None:
    await opened(store)
    read_only(database, on=True)
    asked = asyncio.create_task(timed(store.begin(opening())))
    await asyncio.sleep(0.5)
    assert not asked.done()
    read_only(database, on=False)
    answer = await asked
    assert isinstance(answer.value, Opened)
    assert answer.seconds < 2


async def test_25006_a_server_that_stays_read_only_is_unavailable(database: Server) -> None:
    read_only(database, on=True)
    async with asking.opened(database.app_url) as asked:
        refused = await timed(PostgresTurnStore(asked).begin(opening()))
        assert refused.error is not None
        assert refused.seconds < SECONDS + SLACK
        read_only(database, on=False)
        assert await returns(asked) < 2


def read_only(database: Server, *, on: bool) -> None:
    execute(
        database.superuser_url,
        f"ALTER DATABASE {database.name} SET default_transaction_read_only = {'on' if on else 'off'}",
        f"SELECT pg_terminate_backend(pid) {OURS.format(app=database.app)}",
    )


async def test_53300_with_fewer_connections_than_wished_all_calls_are_answered(database: Server) -> None:
    execute(database.superuser_url, f"ALTER ROLE {database.app} CONNECTION LIMIT 2")
    try:
        async with asking.opened(database.app_url, budget=BUDGET, max_size=8) as asked:
            answers = await asyncio.gather(
                *(timed(asked.call(b"SELECT pg_sleep(0.02)::text")) for _ in range(60))
            )
            assert all(answer.error is None for answer in answers)
            assert not asked.away
    finally:
        execute(database.superuser_url, f"ALTER ROLE {database.app} CONNECTION LIMIT -1")


async def test_53300_without_any_connection_it_is_unavailable_until_there_is_one(database: Server) -> None:
    execute(database.superuser_url, f"ALTER ROLE {database.app} CONNECTION LIMIT 0")
    try:
        async with asking.opened(database.app_url) as asked:
            refused = await timed(asked.call(b"SELECT 1"))
            assert refused.error is not None
            assert refused.seconds < SECONDS + SLACK
            execute(database.superuser_url, f"ALTER ROLE {database.app} CONNECTION LIMIT -1")
            assert await returns(asked) < 2
    finally:
        execute(database.superuser_url, f"ALTER ROLE {database.app} CONNECTION LIMIT -1")


def raising(sqlstate: str, times: int) -> tuple[str, ...]:
    """Return the statements that make looking at a turn raise a code so many times."""
    return (
        "CREATE SEQUENCE IF NOT EXISTS chatcore.looks",
        "ALTER SEQUENCE chatcore.looks RESTART",
        "GRANT USAGE ON SEQUENCE chatcore.looks TO PUBLIC",
        f"""
        CREATE OR REPLACE FUNCTION chatcore.look_at_turn(in_owner text, in_turn uuid)
        RETURNS chatcore.turn_facts LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM set_config('chatcore.owner', in_owner, true);
            IF nextval('chatcore.looks') <= {times} THEN
                RAISE 'for a while' USING ERRCODE = '{sqlstate}';
            END IF;
            RETURN chatcore.facts_of_turn(in_owner, in_turn);
        END
        $$
        """,
    )


PASSING = (
    *("08000", "08003", "08006", "08P01", "25P04", "57P01", "57P02", "57P03", "57P05", "25006", "0A000"),
    *("40001", "40P01", "53000", "53100", "53200", "53300", "53400", "55P03", "57014"),
    *("58000", "58030", "XX001"),
)


async def test_whatever_code_says_that_it_will_pass_is_waited_for(
    database: Server, store: PostgresTurnStore
) -> None:
    begun = await opened(store)
    for sqlstate in PASSING:
        execute(database.superuser_url, *raising(sqlstate, times=2))
        answer = await timed(store.look(OWNER, begun.lease.turn_id))
        assert answer.value is not None, sqlstate
        assert answer.seconds < 1, sqlstate


async def test_whatever_never_passes_is_a_database_that_is_unavailable(database: Server) -> None:
    async with asking.opened(database.app_url, budget=0.15) as asked:
        store = PostgresTurnStore(asked)
        begun = await opened(store)
        for sqlstate in PASSING:
            execute(database.superuser_url, *raising(sqlstate, times=1_000_000))
            refused = await timed(store.look(OWNER, begun.lease.turn_id))
            assert refused.error is not None, sqlstate
            assert refused.error.retry_after == 2
            assert refused.seconds < 0.15 + SLACK, sqlstate


@pytest.mark.parametrize("sqlstate", ["42883", "42501", "42P01", "23514", "22P02", "P0001"])
async def test_what_will_never_succeed_is_not_repeated(
    database: Server, store: PostgresTurnStore, sqlstate: str
) -> None:
    execute(database.superuser_url, *raising(sqlstate, times=1))
    with pytest.raises(StatementFault, match=sqlstate):
        await store.look(OWNER, uuid4())
