"""The contract has teeth: a bug that is seeded into a function is noticed, and either barrier alone isolates."""

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import psycopg
import pytest

from adapters.postgres.schema_source import shipped
from tests.contract.stores import PostgresStores, Stores, postgres_stores
from tests.databases import Database
from tests.integration.postgres.bugs import BUGS, ISOLATION, Bug, Test

pytestmark = pytest.mark.anyio
FUNCTIONS = {file.stem: file.read_text() for file in shipped().function_files()}
TABLES = ("app_user", "conversation", "turn", "message", "turn_chunk", "model_call", "token_day")
OWNER_FILTER = re.compile(r"\b(\w+)\.owner = in_owner\b")


@pytest.fixture
async def stores(workshop: Database) -> AsyncIterator[PostgresStores]:
    with psycopg.connect(workshop.superuser_url, autocommit=True) as connection:
        connection.execute("DELETE FROM chatcore.app_user")
        connection.execute("DELETE FROM chatcore.rate_bucket")
    async with postgres_stores(workshop.app_url, workshop.superuser_url) as made:
        yield made


@contextmanager
def broken(database: Database, *statements: str, mended: tuple[str, ...]) -> Iterator[None]:
    with psycopg.connect(database.owner_url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())
        try:
            yield
        finally:
            for statement in mended:
                connection.execute(statement.encode())


async def notices(test: Test, stores: Stores) -> bool:
    try:
        await test(stores)
    except Exception:  # noqa: BLE001 - however it fails, the bug was noticed
        return True
    except pytest.fail.Exception:
        return True
    return False


@pytest.mark.parametrize("bug", BUGS.values(), ids=BUGS.keys())
async def test_a_bug_is_noticed(workshop: Database, stores: PostgresStores, bug: Bug) -> None:
    right = FUNCTIONS[bug.function]
    wrong = right.replace(bug.right, bug.wrong)
    assert wrong != right, "the bug is not seeded"
    with broken(workshop, wrong, mended=(right,)):
        assert await notices(bug.noticed_by, stores)


@pytest.mark.parametrize("bug", BUGS.values(), ids=BUGS.keys())
async def test_nothing_is_noticed_where_there_is_no_bug(stores: PostgresStores, bug: Bug) -> None:
    await bug.noticed_by(stores)


def without_filters() -> tuple[str, ...]:
    """Return the functions of the stores with no regard to the owner in any condition."""
    return tuple(
        OWNER_FILTER.sub("true", text) for name, text in FUNCTIONS.items() if not name.startswith("50_")
    )


def without_row_security() -> tuple[str, ...]:
    return tuple(f"ALTER TABLE chatcore.{table} DISABLE ROW LEVEL SECURITY" for table in TABLES)


MENDED = (
    *(text for name, text in FUNCTIONS.items() if not name.startswith("50_")),
    *(f"ALTER TABLE chatcore.{table} ENABLE ROW LEVEL SECURITY" for table in TABLES),
)


@pytest.mark.parametrize("test", ISOLATION)
async def test_row_security_alone_isolates(workshop: Database, stores: PostgresStores, test: Test) -> None:
    with broken(workshop, *without_filters(), mended=MENDED):
        await test(stores)


@pytest.mark.parametrize("test", ISOLATION)
async def test_the_owner_in_every_condition_alone_isolates(
    workshop: Database, stores: PostgresStores, test: Test
) -> None:
    with broken(workshop, *without_row_security(), mended=MENDED):
        await test(stores)


@pytest.mark.parametrize("test", ISOLATION[:3])
async def test_without_both_nothing_isolates(workshop: Database, stores: PostgresStores, test: Test) -> None:
    with broken(workshop, *without_filters(), *without_row_security(), mended=MENDED):
        assert await notices(test, stores)
