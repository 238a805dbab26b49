"""The wire keeps what is said apart, whatever becomes of those who said it."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from adapters.postgres.database import Database
from adapters.postgres.failures import StatementFault
from tests.databases import Database as Server
from tests.integration.faults import asking
from tests.integration.faults.asking import comes_to_rest

pytestmark = pytest.mark.anyio


@pytest.fixture(params=[True, False], ids=["prepared", "unprepared"])
async def one_connection(request: pytest.FixtureRequest, database: Server) -> AsyncIterator[Database]:
    async with asking.opened(database.app_url, max_size=1, prepare=request.param) as made:
        yield made


@pytest.mark.parametrize("text", ["alice\0", "alice\0bob", "\0"])
async def test_a_text_with_nul_is_refused_and_not_cut_short(one_connection: Database, text: str) -> None:
    with pytest.raises(StatementFault, match="NUL"):
        await one_connection.call(b"SELECT $1::text", text)
    assert await one_connection.call(b"SELECT $1::text", "alice") == [("alice",)]
    assert await comes_to_rest(one_connection)


async def test_nobody_gets_an_answer_that_somebody_else_left_behind(one_connection: Database) -> None:
    for number in range(100):
        statement = f"SELECT $1::integer + {number % 9}".encode()
        left = asyncio.create_task(one_connection.call(statement, 1_000))
        await asyncio.sleep(0.0003 * (number % 5))
        left.cancel()
        assert await one_connection.call(statement, number) == [(number + number % 9,)]


async def test_a_statement_whose_caller_left_is_carried_out_all_the_same(
    one_connection: Database,
) -> None:
    notes = b"SELECT set_config('application_name', $1, false), pg_sleep(0.05)::text"
    await one_connection.call(notes, "first")
    left = asyncio.create_task(one_connection.call(notes, "second"))
    await asyncio.sleep(0.02)
    left.cancel()
    assert await one_connection.call(b"SELECT current_setting('application_name')") == [("second",)]


async def test_a_notice_is_no_answer(one_connection: Database) -> None:
    noisy = b"SELECT n FROM generate_series(1, 3) AS n WHERE pg_notify('x', n::text) IS NOT NULL"
    await one_connection.call(b"LISTEN x")
    for _ in range(20):
        assert await one_connection.call(noisy) == [(1,), (2,), (3,)]
