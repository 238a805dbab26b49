"""The contract of the audit log has teeth, and its statements find their rows by the owner."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import msgspec
import psycopg
import pytest

from adapters.postgres.database import Database as Pool
from adapters.postgres.failures import Duplicate, StatementFault
from adapters.postgres.schema_source import shipped
from tests.contract.audit_log import test_audit_log as contract
from tests.contract.audit_log.conftest import Kept, in_postgres
from tests.contract.audit_log.entries import entry
from tests.databases import Database
from tests.integration.postgres.test_plans import SHORT, explained

pytestmark = pytest.mark.anyio
FUNCTIONS = {file.stem: file.read_text() for file in shipped().function_files()}
RECORD, READ, MANY = "60_record_audit_of", "70_read_audit", "70_record_audit"
Test = Callable[[Kept], Awaitable[None]]
_NOTICED = (AssertionError, Duplicate, StatementFault, ValueError, pytest.fail.Exception)
"""How a test of the contract fails; the last is what `pytest.raises` does where nothing is raised."""
BUGS: dict[str, tuple[str, str, str, Test]] = {
    "a repeated batch is refused": (
        RECORD,
        "\n        ON CONFLICT (owner, id) DO NOTHING;\nEND",
        ";\nEND",
        contract.test_a_batch_that_is_repeated_is_there_once_and_as_it_was,
    ),
    "whoever was erased is known again": (
        RECORD,
        "            RETURN;",
        "            NULL;",
        contract.test_what_began_before_an_erasure_makes_nobody_known_again,
    ),
    "what outlived its user is kept with what came after": (
        RECORD,
        "WHERE known OR NOT (e.entry -> 10)::boolean",
        "WHERE true",
        contract.test_what_began_before_an_erasure_makes_nobody_known_again,
    ),
    "what shows that its owner was known is never kept": (
        RECORD,
        "WHERE known OR NOT (e.entry -> 10)::boolean",
        "WHERE NOT (e.entry -> 10)::boolean",
        contract.test_what_shows_that_its_owner_was_known_is_kept_while_they_are,
    ),
    "a page leaves the last one before it out": (
        READ,
        "a.id < in_before",
        "a.id <= in_before",
        contract.test_the_newest_come_first_page_by_page,
    ),
    "the oldest come first": (
        READ,
        "ORDER BY a.id DESC",
        "ORDER BY a.id",
        contract.test_the_newest_come_first_page_by_page,
    ),
}


@pytest.fixture
async def kept(workshop: Database) -> AsyncIterator[Kept]:
    with psycopg.connect(workshop.superuser_url, autocommit=True) as superuser:
        superuser.execute("DELETE FROM chatcore.app_user")
    pool = Pool(workshop.app_url, max_size=4)
    await pool.open()
    try:
        yield in_postgres(pool, workshop.superuser_url)
    finally:
        await pool.close()


@pytest.mark.parametrize("bug", BUGS.values(), ids=BUGS.keys())
async def test_a_bug_is_noticed(workshop: Database, kept: Kept, bug: tuple[str, str, str, Test]) -> None:
    function, right, wrong, test = bug
    broken = FUNCTIONS[function].replace(right, wrong)
    assert broken != FUNCTIONS[function], "the bug is not seeded"
    with psycopg.connect(workshop.owner_url, autocommit=True) as owner:
        owner.execute(broken.encode())
        try:
            with pytest.raises(_NOTICED):
                await test(kept)
        finally:
            owner.execute(FUNCTIONS[function].encode())
    with psycopg.connect(workshop.superuser_url, autocommit=True) as superuser:
        superuser.execute("DELETE FROM chatcore.app_user")
    await test(kept)


@pytest.mark.parametrize("repeated", [True, False])
async def test_a_user_who_is_erased_while_their_entry_is_written_is_no_reason_to_lose_it(
    workshop: Database, kept: Kept, *, repeated: bool
) -> None:
    right = FUNCTIONS[MANY]
    wrong = right.replace("'serialization_failure'", "'raise_exception'")
    assert wrong != right
    await kept.log.record([entry("alice")])
    with psycopg.connect(workshop.owner_url, autocommit=True) as owner:
        owner.execute((right if repeated else wrong).encode())
        try:
            with psycopg.connect(workshop.superuser_url) as superuser:
                superuser.execute("DELETE FROM chatcore.app_user WHERE owner = 'alice'")
                writing = asyncio.create_task(kept.log.record([entry("alice"), entry("bob")]))
                await asyncio.sleep(0.3)
                assert not writing.done()
            if not repeated:
                with pytest.raises(StatementFault):
                    await writing
                return
            await writing
        finally:
            owner.execute(right.encode())
    for name in ("alice", "bob"):
        assert len((await kept.log.read(name, limit=9, before=None)).entries) == 1


@pytest.mark.parametrize("plan_cache_mode", ["force_custom_plan", "force_generic_plan"])
def test_entries_are_found_by_an_index_that_begins_with_the_owner(
    workshop: Database, plan_cache_mode: str
) -> None:
    batch = [entry(f"user{number % 20}") for number in range(5_000)]
    with psycopg.connect(workshop.superuser_url, autocommit=True) as superuser:
        superuser.execute("SELECT chatcore.record_audit(%s)", (msgspec.json.encode(batch).decode(),))
        superuser.execute("VACUUM ANALYZE chatcore.audit_log")
    steps = {"read": "SELECT chatcore.read_audit('user7', NULL, 20)"}
    read = explained(workshop, plan_cache_mode, SHORT, steps)["read"]
    (scan,) = [scan for scan in read.scans if scan.table == "audit_log"]
    assert (scan.kind, scan.rows) == ("Index Scan", 20)
    assert "owner" in scan.condition
