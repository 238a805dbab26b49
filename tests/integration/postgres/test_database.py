"""How statements are sent: what they may carry, what they leave behind, and what becomes of those who ask."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from uuid import UUID

import psycopg
import pytest

from adapters.postgres.database import Database
from adapters.postgres.failures import Duplicate, StatementFault
from adapters.postgres.wire import Parameter
from chatcore.errors import DatabaseUnavailable
from tests.databases import Database as Made

pytestmark = pytest.mark.anyio
LEFT = b"SELECT count(*) FROM pg_prepared_statements"
IDENTITY = b"SELECT current_setting('chatcore.owner', true), current_setting('lock_timeout')"
LOOK_OF = b"SELECT $1::text"
LOOK = b"SELECT (chatcore.look_at_turn('alice', $1)).id"


@asynccontextmanager
async def opened(conninfo: str, *, prepare: bool = True, max_size: int = 1) -> AsyncIterator[Database]:
    database = Database(conninfo, prepare=prepare, max_size=max_size)
    await database.open()
    try:
        yield database
    finally:
        await database.close()


@pytest.fixture(params=[True, False], ids=["prepared", "unprepared"])
async def asked(request: pytest.FixtureRequest, database: Made) -> AsyncIterator[Database]:
    async with opened(database.app_url, prepare=request.param) as made:
        yield made


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        ("text", "é🤖 'quoted' \\ $1"),
        ("text", ""),
        ("text", None),
        ("text", "long" * 500_000),
        ("uuid", UUID("0190a5b0-7c00-7000-8000-000000000001")),
        ("bytea", bytes(range(256))),
        ("boolean", True),
        ("boolean", False),
        ("integer", -(2**31)),
        ("bigint", 2**63 - 1),
        ("double precision", 0.1),
        ("text[]", None),
    ],
)
async def test_what_is_sent_comes_back(asked: Database, type_: str, value: Parameter) -> None:
    for _ in range(2):
        assert await asked.call(f"SELECT $1::{type_}".encode(), value) == [(value,)]


async def test_an_instant_is_told_in_utc_whatever_the_session_thinks(database: Made) -> None:
    async with opened(f"{database.app_url}&options=-c%20TimeZone%3DAsia/Kathmandu") as asked:
        ((instant,),) = await asked.call(b"SELECT timestamptz '1999-12-31 23:59:59.123456Z'")
        assert instant == datetime(1999, 12, 31, 23, 59, 59, 123456, tzinfo=UTC)
        assert isinstance(instant, datetime)
        assert instant.tzinfo is UTC
        assert await asked.call(b"SELECT current_setting('TimeZone')") == [("Asia/Kathmandu",)]


async def test_no_rows_are_an_empty_list_and_many_are_in_order(asked: Database) -> None:
    assert await asked.call(b"SELECT n FROM generate_series(1, $1::integer) AS n", 0) == []
    rows = await asked.call(b"SELECT n FROM generate_series(1, $1::integer) AS n", 10_000)
    assert rows == [(n,) for n in range(1, 10_001)]


async def test_nothing_is_left_in_a_session_where_nothing_may_be(database: Made) -> None:
    async with opened(database.app_url, prepare=False) as asked:
        for _ in range(20):
            await asked.call(LOOK, UUID(int=1))
        assert await asked.call(LEFT) == [(0,)]


async def test_a_statement_is_prepared_once(database: Made) -> None:
    async with opened(database.app_url) as asked:
        for _ in range(20):
            await asked.call(LOOK, UUID(int=1))
        assert await asked.call(LEFT) == [(2,)]


async def test_no_identity_is_left_in_a_session(asked: Database) -> None:
    before = await asked.call(IDENTITY)
    await asked.call(LOOK, UUID(int=1))
    ((owner, lock_timeout),) = await asked.call(IDENTITY)
    assert not owner
    assert [(before[0][0] or "", lock_timeout)] == [("", before[0][1])]


async def test_a_taken_key_is_told_by_its_constraint(asked: Database) -> None:
    statement = (
        b"WITH me AS MATERIALIZED (SELECT set_config('chatcore.owner', $1, false))"
        b" INSERT INTO chatcore.app_user (owner) SELECT me.set_config FROM me"
    )
    await asked.call(statement, "alice")
    with pytest.raises(Duplicate) as told:
        await asked.call(statement, "alice")
    assert told.value.constraint == "app_user_pkey"


@pytest.mark.parametrize("statement", [b"SELECT no_such_column", b"SELECT 1 / 0", b"SELEC", b"SELECT $2::text"])
async def test_a_fault_is_told_and_leaves_the_connection_usable(asked: Database, statement: bytes) -> None:
    for _ in range(2):
        with pytest.raises(StatementFault):
            await asked.call(statement)
    assert await asked.call(b"SELECT 1") == [(1,)]


async def test_a_function_that_changed_its_answer_is_called_anew(database: Made) -> None:
    with psycopg.connect(database.owner_url, autocommit=True) as owner:
        owner.execute("CREATE FUNCTION chatcore.answer() RETURNS integer LANGUAGE sql AS 'SELECT 1'")
        async with opened(database.app_url) as asked:
            owner.execute("GRANT EXECUTE ON FUNCTION chatcore.answer TO PUBLIC")
            assert await asked.call(b"SELECT * FROM chatcore.answer()") == [(1,)]
            owner.execute("DROP FUNCTION chatcore.answer")
            owner.execute("CREATE FUNCTION chatcore.answer() RETURNS text LANGUAGE sql AS 'SELECT ''one'''")
            assert await asked.call(b"SELECT * FROM chatcore.answer()") == [("one",)]


async def test_a_statement_is_carried_out_though_its_caller_was_cancelled(asked: Database) -> None:
    caller = asyncio.create_task(asked.call(b"SELECT pg_advisory_lock(7) FROM pg_sleep(0.2)"))
    await asyncio.sleep(0.1)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    # The only connection, and with it the lock, comes back as soon as the statement is through.
    held = b"SELECT objid::integer FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"
    assert await asked.call(held) == [(7,)]


async def test_callers_cancelled_at_any_point_cost_no_connection(asked: Database) -> None:
    session = await asked.call(b"SELECT pg_backend_pid()")
    for moment in range(60):
        statement = f"SELECT {moment}, pg_sleep(0.002)".encode()
        caller = asyncio.create_task(asked.call(statement))
        for _ in range(moment % 12):
            await asyncio.sleep(0)
        await asyncio.sleep(0.0002 * (moment % 7))
        caller.cancel()
        await asyncio.gather(caller, return_exceptions=True)
    assert await asked.call(b"SELECT pg_backend_pid()") == session
    await asyncio.sleep(0.05)
    assert asked.occupancy() == {"size": 1, "idle": 1, "waiting": 0, "held_back": 0}


async def test_many_callers_share_few_connections(database: Made) -> None:
    async with opened(database.app_url, max_size=2) as asked:
        answers = await asyncio.gather(*(asked.call(b"SELECT $1::integer", n) for n in range(200)))
        assert answers == [[(n,)] for n in range(200)]
        assert asked.occupancy()["size"] <= 2


async def test_waits_for_a_connection_are_counted_and_timed(database: Made) -> None:
    async with opened(database.app_url, max_size=1) as asked:
        await asyncio.gather(*(asked.call(b"SELECT pg_sleep(0.1)") for _ in range(3)))
        waits, waited = asked.waits
        assert 2 <= waits <= 3
        assert 0.3 <= waited < 3


async def test_a_server_that_is_not_there_is_said_to_be_away_within_the_budget() -> None:
    database = Database("postgresql://nobody@/nothing?host=/nonexistent", budget=0.5)
    await database.open()
    try:
        with pytest.raises(DatabaseUnavailable) as refusal:
            await asyncio.wait_for(database.call(b"SELECT 1"), 1.5)
        assert refusal.value.retry_after
        assert database.away
        with pytest.raises(DatabaseUnavailable):
            await asyncio.wait_for(database.call(b"SELECT 1"), 0.1)
    finally:
        await database.close()


async def test_one_owner_waits_for_itself_while_others_and_what_is_nobodys_pass(database: Made) -> None:
    wait = b"SELECT pg_sleep(0.3)::text WHERE $1 <> ''"
    async with opened(database.app_url, max_size=6) as asked:
        greedy = [asyncio.create_task(asked.call_for("greedy", wait)) for _ in range(4)]
        await asyncio.sleep(0.1)
        assert (asked.occupancy()["held_back"], asked.occupancy()["waiting"]) == (2, 0)
        await asyncio.gather(asked.call_for("ada", LOOK_OF), asked.call(b"SELECT 1"), asked.call(b"SELECT 2"))
        assert not any(task.done() for task in greedy)
        await asyncio.gather(*greedy)
        assert asked.occupancy()["held_back"] == 0
