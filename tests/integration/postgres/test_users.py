"""A user's data leave whole, come back the same, and are forgotten without a trace."""

import asyncio
import json
import time
import tracemalloc
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager

import msgspec
import psycopg
import pytest
from psycopg import sql

from adapters.postgres.accounts import PostgresAccountStore
from adapters.postgres.database import Database as Pool
from adapters.postgres.exported import Seal
from adapters.postgres.turn_store import PostgresTurnStore
from adapters.postgres.users import PostgresUserStore
from adapters.postgres.wire import Parameter, Row
from chatcore.errors import DatabaseUnavailable
from chatcore.ports.turn_store import Lease
from chatcore.ports.user_store import UnreadableExport, UserExists, UserNotFound
from tests.contract.turns import CALL
from tests.databases import Database
from tests.integration.postgres.catalogue import tables
from tests.integration.postgres.rows import id_of, plant

pytestmark = pytest.mark.anyio
_ALICE, _BOB = "alice", "bob"
_SECRET = {"api_key", "audit_log", "rate_bucket", "token_day"}
"""Tables that open doors, and have no place in a file that people keep in a drawer, or bound what may be asked
here and now; and what the installation keeps about the user, not for them.
"""


@pytest.fixture
def peopled(database: Database) -> Database:
    with psycopg.connect(database.superuser_url) as superuser:
        # More of each than a page holds, by one.
        plant(superuser, _ALICE, turns=101)
        plant(superuser, _BOB)
    return database


async def exported(store: PostgresUserStore, owner: str) -> list[bytes]:
    return [line async for line in store.export(owner)]


async def streamed(lines: Iterable[bytes]) -> AsyncIterator[bytes]:
    for line in lines:
        yield line


def mentions(database: Database, owner: str) -> list[tuple[str, str]]:
    """Return where in the whole database, whatever its schema, a text column names an owner."""
    found = []
    with psycopg.connect(database.superuser_url) as superuser:
        columns = superuser.execute(
            "SELECT table_schema, table_name, column_name FROM information_schema.columns"
            " JOIN information_schema.tables USING (table_schema, table_name)"
            " WHERE table_type = 'BASE TABLE' AND data_type IN ('text', 'character varying', 'jsonb', 'json')"
            " AND table_schema NOT IN ('pg_catalog', 'information_schema')"
        ).fetchall()
        assert ("chatcore", "turn", "owner") in columns
        for schema, table, column in columns:
            query = sql.SQL("SELECT 1 FROM {} WHERE position(%s IN {}::text) > 0 LIMIT 1").format(
                sql.Identifier(str(schema), str(table)), sql.Identifier(str(column))
            )
            if superuser.execute(query, (owner,)).fetchone():
                found.append((str(table), str(column)))
    return found


def everything_of(database: Database, owner: str) -> list[str]:
    with psycopg.connect(database.superuser_url) as superuser:
        return [
            f"{table} {row}"
            for table in tables(superuser)
            for (row,) in superuser.execute(
                sql.SQL(
                    "SELECT to_jsonb(t) - 'owner' - 'lease_token' FROM {} AS t WHERE owner = %s ORDER BY 1"
                ).format(sql.Identifier("chatcore", table)),
                (owner,),
            ).fetchall()
        ]


@asynccontextmanager
async def pool_of(database: Database) -> AsyncIterator[Pool]:
    pool = Pool(database.app_url, max_size=2)
    await pool.open()
    try:
        yield pool
    finally:
        await pool.close()


async def test_erasing_a_user_leaves_no_row_that_names_it_and_nobody_else_s_touched(peopled: Database) -> None:
    others = everything_of(peopled, _BOB)
    assert len(mentions(peopled, _ALICE)) > 6
    async with pool_of(peopled) as pool:
        store = PostgresAccountStore(pool)
        assert await store.erase(_ALICE) is True
        assert mentions(peopled, _ALICE) == []
        assert everything_of(peopled, _BOB) == others
        assert await store.erase(_ALICE) is False


async def test_a_bill_that_waits_for_an_erasure_writes_nothing(peopled: Database) -> None:
    lease = Lease(
        owner=_ALICE,
        turn_id=id_of(_ALICE, "live"),
        conversation_id=id_of(_ALICE, "conversation"),
        token=id_of(_ALICE, "token"),
        attempt=1,
        seconds=30,
    )
    async with pool_of(peopled) as pool:
        store = PostgresTurnStore(pool)
        with psycopg.connect(peopled.superuser_url) as erasing:
            erasing.execute("SELECT chatcore.erase_user(%s, 20)", (_ALICE,))
            billing = asyncio.create_task(store.bill(lease, [CALL]))
            await asyncio.to_thread(wait_for_a_lock, peopled)
        await billing
    assert mentions(peopled, _ALICE) == []


def wait_for_a_lock(database: Database) -> None:
    with psycopg.connect(database.superuser_url, autocommit=True) as superuser:
        deadline = time.monotonic() + 10
        while superuser.execute("SELECT FROM pg_locks WHERE NOT granted").fetchone() is None:
            assert time.monotonic() < deadline, "nobody waits"
            time.sleep(0.01)


async def test_an_export_holds_every_row_that_is_no_secret(peopled: Database) -> None:
    lines = [json.loads(line) for line in await exported(PostgresUserStore(peopled.app_url), _ALICE)]
    with psycopg.connect(peopled.superuser_url) as superuser:
        counts = [
            superuser.execute(
                sql.SQL("SELECT count(*) FROM {} WHERE owner = %s").format(sql.Identifier("chatcore", table)),
                (_ALICE,),
            ).fetchone()
            for table in tables(superuser)
            if table not in _SECRET
        ]
    assert lines[0] == {"kind": "chatcore-export", "version": 1, "owner": _ALICE}
    assert lines[-1]["records"] == len(lines) - 2 == sum(int(str(count[0])) for count in counts if count)
    assert not any("bob" in str(line) for line in lines)
    assert not any("lease_token" in line for line in lines)


async def test_an_export_read_back_elsewhere_and_exported_again_is_the_same(
    peopled: Database, another_database: Database
) -> None:
    here, there = PostgresUserStore(peopled.app_url), PostgresUserStore(another_database.app_url)
    lines = await exported(here, _ALICE)
    assert await there.import_("anna", streamed(lines)) == len(lines) - 2
    again = await exported(there, "anna")
    assert again[0] == lines[0].replace(b"alice", b"anna")
    assert again[1:] == lines[1:]
    assert everything_of(another_database, "anna") == [
        row for row in everything_of(peopled, _ALICE) if row.partition(" ")[0] not in _SECRET
    ]


async def test_lines_may_end_as_files_do(peopled: Database) -> None:
    store = PostgresUserStore(peopled.app_url)
    lines = await exported(store, _BOB)
    await store.import_("one", streamed(line + b"\n" for line in lines))
    await store.import_("two", streamed(line + b"\r\n" for line in lines))
    assert (await exported(store, "two"))[1:] == lines[1:]


async def test_nothing_is_overwritten(peopled: Database) -> None:
    store = PostgresUserStore(peopled.app_url)
    lines = await exported(store, _ALICE)
    before = everything_of(peopled, _BOB)
    with pytest.raises(UserExists):
        await store.import_(_BOB, streamed(lines))
    assert everything_of(peopled, _BOB) == before


async def test_an_unknown_user_cannot_be_exported(peopled: Database) -> None:
    with pytest.raises(UserNotFound):
        await exported(PostgresUserStore(peopled.app_url), "nobody")


_SPOILT: dict[str, Callable[[list[bytes]], list[bytes]]] = {
    "nothing": lambda _: [],
    "cut short": lambda lines: lines[:5],
    "end missing": lambda lines: lines[:-1],
    "line missing": lambda lines: lines[:5] + lines[6:],
    "line twice": lambda lines: lines[:5] + lines[4:],
    "two exports": lambda lines: lines + lines,
    "word changed": lambda lines: [line.replace(b"Reply 1 of", b"Reply 1 by") for line in lines],
    "no JSON": lambda lines: [*lines[:5], b"{", *lines[5:]],
    "no header": lambda lines: lines[1:],
    "no user": lambda lines: lines[:1] + lines[2:],
    "foreign version": lambda lines: [b'{"kind":"chatcore-export","version":2,"owner":"bob"}', *lines[1:]],
    "foreign field": lambda lines: [
        line.replace(b'"kind":"call"', b'"kind":"call","cost":1') for line in lines
    ],
    "invalid UTF-8": lambda lines: [line.replace(b"Reply 1", b"Reply \xff") for line in lines],
    "NUL": lambda lines: [line.replace(b"Reply 1", rb"\u0000") for line in lines],
    "lone surrogate": lambda lines: [line.replace(b"Reply 1", rb"\ud800") for line in lines],
}


@pytest.mark.parametrize("how", _SPOILT)
async def test_what_is_no_whole_export_is_refused_and_nothing_of_it_is_kept(
    peopled: Database, how: str
) -> None:
    store = PostgresUserStore(peopled.app_url)
    lines = await exported(store, _BOB)
    with pytest.raises(UnreadableExport, match=r"\d|holds"):
        await store.import_("new", streamed(_SPOILT[how](lines)))
    assert everything_of(peopled, "new") == []


def sealed_again(lines: list[bytes]) -> list[bytes]:
    seal = Seal()
    for line in lines[1:-1]:
        seal.add(line)
    return [*lines[:-1], msgspec.json.encode(seal.end())]


@pytest.mark.parametrize(
    ("said", "instead", "reason"),
    [
        (b'"status":"streaming"', b'"status":"completed"', "turn_"),
        (b'"position":4', b'"position":40', "no turn"),
        (b'"role":"user"', b'"role":"assistant"', "message_roles_alternate"),
        (b'"number":2,', b'"number":1,', "turn_number"),
        (b'"title":"Of bob"', b'"title":""', "line 3"),
    ],
)
async def test_a_well_sealed_export_that_no_conversation_can_be_is_refused(
    peopled: Database, said: bytes, instead: bytes, reason: str
) -> None:
    store = PostgresUserStore(peopled.app_url)
    lines = await exported(store, _BOB)
    assert any(said in line for line in lines)
    with pytest.raises(UnreadableExport, match=reason):
        await store.import_("new", streamed(sealed_again([line.replace(said, instead) for line in lines])))
    assert everything_of(peopled, "new") == []


async def test_progress_is_told_and_ends_at_the_number_of_lines(peopled: Database) -> None:
    store = PostgresUserStore(peopled.app_url)
    told: list[int] = []
    lines = [line async for line in store.export(_ALICE, told.append)]
    assert len(told) > 3
    assert told == sorted(told)
    assert told[-1] == len(lines)
    told.clear()
    await store.import_("anna", streamed(lines), told.append)
    assert told[-1] == len(lines) - 2


async def test_an_export_is_of_one_instant_whatever_is_said_meanwhile(peopled: Database) -> None:
    before = await exported(PostgresUserStore(peopled.app_url), _ALICE)
    export = PostgresUserStore(peopled.app_url).export(_ALICE)
    lines = [await anext(export)]
    with psycopg.connect(peopled.superuser_url) as superuser:
        superuser.execute("DELETE FROM chatcore.app_user WHERE owner = %s", (_ALICE,))
    lines += [line async for line in export]
    assert lines == before


async def test_memory_does_not_grow_with_the_amount_of_data(peopled: Database) -> None:
    with psycopg.connect(peopled.superuser_url) as superuser:
        superuser.execute(
            "INSERT INTO chatcore.model_call SELECT owner, turn_id, 1, n, repeat('m', 5000), 1, 1, false, 'ok', 1, 1"
            " FROM chatcore.model_call, generate_series(2, 50) AS n WHERE owner = %s",
            (_ALICE,),
        )
    store = PostgresUserStore(peopled.app_url)
    tracemalloc.start()
    try:
        size = 0
        async for line in store.export(_ALICE):
            size += len(line)
        assert await store.import_("anna", store.export(_ALICE)) > 5_000
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert size > 20_000_000
    assert peak < 4_000_000


async def test_a_database_that_is_away_is_unavailable(database: Database) -> None:
    store = PostgresUserStore(database.app_url.replace(database.name, "no_such_database"))
    with pytest.raises(DatabaseUnavailable):
        await exported(store, _ALICE)


class Deaf(Pool):
    """Loses each first answer, and says the statement again."""

    async def call_for(self, owner: str, statement: bytes, *parameters: Parameter) -> list[Row]:
        await super().call_for(owner, statement, *parameters)
        return await super().call_for(owner, statement, *parameters)


async def test_whoever_is_forgotten_was_there_even_if_the_answer_is_lost(peopled: Database) -> None:
    pool = Deaf(peopled.app_url, max_size=1)
    await pool.open()
    try:
        accounts = PostgresAccountStore(pool)
        assert await accounts.erase(_ALICE)
        assert not await accounts.erase(_ALICE)
    finally:
        await pool.close()
