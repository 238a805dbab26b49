"""No owner sees or changes another's rows, by either of two barriers alone: the WHERE, and row-level security."""

import hashlib
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg
import pytest
from psycopg import sql
from psycopg.types.json import Jsonb

from adapters.postgres.schema_source import shipped
from tests.databases import Database
from tests.integration.postgres.catalogue import tables
from tests.integration.postgres.rows import id_of, plant

_ALICE, _BOB = "alice", "bob"
_PURE = ("lease_is_dead", "oldest_audit_id", "places_of_rate", "interval_of_rate", "spendable", "seconds_left")
_OF_A_ROW = ("settle_turn", "write_off_attempt")
_FUNCTIONS = sorted(file.stem.partition("_")[2] for file in shipped().function_files())


@pytest.fixture
def peopled(database: Database) -> Database:
    """A database in which every table has rows of two owners."""
    with psycopg.connect(database.superuser_url) as superuser:
        plant(superuser, _ALICE)
        plant(superuser, _BOB)
    return database


@pytest.fixture
def app(peopled: Database) -> Iterator["psycopg.Connection[tuple[object, ...]]"]:
    """The serving role with no identity set."""
    with psycopg.connect(peopled.app_url) as connection:
        yield connection


def counted(connection: "psycopg.Connection[tuple[object, ...]]", table: str, owner: str) -> int:
    query = sql.SQL("SELECT count(*) FROM {} WHERE owner = %s").format(sql.Identifier("chatcore", table))
    (count,) = connection.execute(query, (owner,)).fetchone() or (0,)
    return int(str(count))


def everything(url: str) -> list[tuple[object, ...]]:
    """Return every row of every table."""
    with psycopg.connect(url) as connection:
        return [
            (table, *row)
            for table in tables(connection)
            for row in connection.execute(
                sql.SQL("SELECT to_jsonb(t)::text FROM {} AS t ORDER BY 1").format(
                    sql.Identifier("chatcore", table)
                )
            ).fetchall()
        ]


def identify(connection: "psycopg.Connection[tuple[object, ...]]", owner: str) -> None:
    connection.execute("SELECT set_config('chatcore.owner', %s, true)", (owner,))


def test_the_planted_rows_leave_no_table_out(peopled: Database) -> None:
    with psycopg.connect(peopled.superuser_url) as superuser:
        for table in tables(superuser):
            assert counted(superuser, table, _ALICE) > 0, table
            assert counted(superuser, table, _BOB) > 0, table


def test_every_table_read_without_where_shows_only_the_owner_s_rows(
    peopled: Database, app: "psycopg.Connection[tuple[object, ...]]"
) -> None:
    identify(app, _ALICE)
    with psycopg.connect(peopled.superuser_url) as superuser:
        for table in tables(superuser):
            assert counted(app, table, _ALICE) == counted(superuser, table, _ALICE)
            assert counted(app, table, _BOB) == 0


def test_a_hundred_thousand_rows_of_others_are_out_of_reach(database: Database) -> None:
    owners = [f"user{number}" for number in range(100)]
    with psycopg.connect(database.superuser_url) as superuser:
        for owner in owners:
            plant(superuser, owner)
        names = tables(superuser)
        rows = {table: counted(superuser, table, owners[0]) for table in names}
    attempts = 0
    with psycopg.connect(database.app_url) as app:
        for owner in owners:
            identify(app, owner)
            for table in names:
                name = sql.Identifier("chatcore", table)
                seen = app.execute(sql.SQL("SELECT owner FROM {}").format(name)).fetchall()
                assert seen == [(owner,)] * rows[table]
                attempts += (len(owners) - 1) * rows[table]
    assert attempts > 100_000


@pytest.mark.parametrize("identity", [None, "", "nobody", "alice ", "Alice", "%", "alice' OR 'a'='a"])
def test_without_an_identity_that_exists_nothing_is_seen(
    app: "psycopg.Connection[tuple[object, ...]]", identity: str | None
) -> None:
    if identity is not None:
        identify(app, identity)
    for table in tables(app):
        assert counted(app, table, _ALICE) + counted(app, table, _BOB) == 0


@pytest.mark.parametrize("verb", ["UPDATE", "DELETE"])
def test_every_table_changed_without_where_changes_nothing_of_anybody_else(
    peopled: Database, verb: str
) -> None:
    with psycopg.connect(peopled.superuser_url) as superuser:
        # Rights are the third barrier; they are lifted here, so that the policies are tried by themselves.
        superuser.execute(
            sql.SQL("GRANT ALL ON ALL TABLES IN SCHEMA chatcore TO {}").format(sql.Identifier(peopled.app))
        )
        names = tables(superuser)
        before = {table: counted(superuser, table, _BOB) for table in names}
    command = "DELETE FROM {}" if verb == "DELETE" else "UPDATE {} SET owner = owner"
    for table in names:
        # A chunk has no time of its own.
        text = "UPDATE {} SET content = content" if command[0] == "U" and table == "turn_chunk" else command
        with psycopg.connect(peopled.app_url) as app:
            identify(app, _ALICE)
            app.execute(sql.SQL(text).format(sql.Identifier("chatcore", table)))
    with psycopg.connect(peopled.superuser_url) as superuser:
        assert {table: counted(superuser, table, _BOB) for table in names} == before
        if verb == "DELETE":
            assert sum(counted(superuser, table, _ALICE) for table in names) == 0


def test_a_row_cannot_be_put_under_another_owner(app: "psycopg.Connection[tuple[object, ...]]") -> None:
    identify(app, _ALICE)
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
        app.execute(
            "INSERT INTO chatcore.conversation (owner, id, title) VALUES (%s, gen_random_uuid(), 'x')", (_BOB,)
        )


def test_a_row_cannot_hang_on_another_owner_s_parent(peopled: Database) -> None:
    with psycopg.connect(peopled.superuser_url) as superuser, pytest.raises(psycopg.errors.ForeignKeyViolation):
        superuser.execute(
            "INSERT INTO chatcore.message (owner, conversation_id, position, id, role, content)"
            " VALUES (%s, %s, 99, gen_random_uuid(), 'user', 'hello')",
            (_ALICE, id_of(_BOB, "conversation")),
        )


def test_the_table_s_owner_is_bound_as_well(peopled: Database) -> None:
    with psycopg.connect(peopled.owner_url) as owner:
        for table in tables(owner):
            assert counted(owner, table, _ALICE) == 0
        identify(owner, _ALICE)
        for table in tables(owner):
            assert counted(owner, table, _ALICE) > 0
            assert counted(owner, table, _BOB) == 0


def foreign_calls(function: str) -> list[tuple[str, tuple[object, ...]]]:
    """Return calls of a function as Alice that name something of Bob's."""
    conversation, live, done = id_of(_BOB, "conversation"), id_of(_BOB, "live"), id_of(_BOB, "turn 1")
    calls = Jsonb([["m", 1, 1, False, "ok", 0.5, None]])
    token, new, key = id_of(_BOB, "token"), id_of(_ALICE, "new"), id_of(_BOB, "api key")
    opening = (
        *(_ALICE, conversation, False, "Mine", new, new, new, "May I?", None),
        *("key 1x", b"", None, 10, new, 30.0),
    )
    replacing = (*opening[:1], id_of(_ALICE, "conversation"), *opening[2:11], done, *opening[12:])
    finished = (conversation, live, token, "completed", "Ha", 1, 1, False, "m", None, None, None)
    arguments: dict[str, list[tuple[object, ...]]] = {
        "begin_turn": [opening, replacing],
        "take_over_turn": [(_ALICE, live, new, 30.0, 10, 10), (_ALICE, done, new, 30.0, 10, 10)],
        "give_up_turn": [(_ALICE, live, "model-failed", True), (_ALICE, done, "model-failed", True)],
        "checkpoint_turn": [(_ALICE, live, token, 30.0, "Ha", 6)],
        "finish_turn": [(_ALICE, *finished)],
        "look_at_turn": [(_ALICE, live), (_ALICE, done)],
        "follow_turn": [(_ALICE, live, 1, 0)],
        "cancel_turn": [(_ALICE, live)],
        "release_turn": [(_ALICE, live, token)],
        "find_conversation": [(_ALICE, conversation)],
        "list_conversations": [(_ALICE, None, 100)],
        "list_messages": [(_ALICE, conversation, 1000, 100, True)],
        "rename_conversation": [(_ALICE, conversation, "Mine")],
        "delete_conversation": [(_ALICE, conversation)],
        "facts_of_turn": [(_ALICE, live), (_ALICE, done)],
        "history_before": [(_ALICE, conversation, 100, 100)],
        "interrupt_turn": [(_ALICE, live)],
        **{pure: [] for pure in _PURE},
        "bill_attempt": [(_ALICE, live, 1, calls)],
        "record_calls": [(_ALICE, live, 1, calls)],
        "charge_rate": [(_ALICE, 10, 60)],
        "refund_rate": [(_ALICE, 10, 60, 0)],
        "sweep_rates": [()],
        "reserve_tokens": [(_ALICE, datetime.now(UTC).date(), 5, 1000)],
        "knows_user": [(_ALICE,)],
        "erase_user": [(_ALICE, 1), (_ALICE, 9)],
        "interrupt_dead_turns": [(_ALICE,)],
        "usage_of_user": [(_ALICE, 30)],
        "add_api_key": [(_ALICE, key, "Mine", ["read"], b"k" * 32, datetime.now(UTC), None)],
        "list_api_keys": [(_ALICE,)],
        "revoke_api_key": [(_ALICE, key, datetime.now(UTC))],
        "record_audit_of": [(_ALICE, Jsonb([_entry(id_of(_BOB, "entry"))]))],
        "record_audit": [(Jsonb([_entry(id_of(_BOB, "entry"))]),)],
        "read_audit": [(_ALICE, None, 100)],
        "list_audited": [(timedelta(0),)],
        "prune_audit": [(_ALICE, timedelta(0), 100)],
        "use_api_key": [(_ALICE, key, hashlib.sha256(b"key").digest(), datetime.now(UTC))],
    }
    if function in _OF_A_ROW:
        row = {"owner": _BOB, "id": str(live), "attempt": 1, "budget_day": str(datetime.now(UTC).date())}
        whole = "jsonb_populate_record(NULL::chatcore.turn, %s)"
        parameters = "%s, {}, 5" if function == "settle_turn" else "%s, {}"
        call = f"SELECT to_jsonb(f)::text FROM chatcore.{function}({parameters.format(whole)}) AS f"
        return [(call, (_ALICE, Jsonb(row)))]
    if function == "opening_of_turn":
        row = {"owner": _BOB, "conversation_id": str(conversation), "number": 1}
        call = "SELECT to_jsonb(f)::text FROM chatcore.opening_of_turn(%s, jsonb_populate_record(NULL::chatcore.turn, %s), 9) AS f"
        return [(call, (_ALICE, Jsonb(row)))]
    return [(_call(function, len(values)), values) for values in arguments[function]]


def _entry(id_: UUID) -> list[object]:
    at, action = datetime.now(UTC).isoformat(), "GET /api/{user_id}"
    return [str(id_), at, _ALICE, "hs256", action, 403, "r-2", {"user_id": _BOB}, None, None, False]


def _call(function: str, arguments: int) -> str:
    return f"SELECT to_jsonb(f)::text FROM chatcore.{function}({', '.join(['%s'] * arguments)}) AS f"


def assert_bob_is_out_of_reach(database: Database, function: str) -> None:
    before = [row for row in everything(database.superuser_url) if '"owner": "bob"' in str(row)]
    for call, values in foreign_calls(function):
        with psycopg.connect(database.app_url) as app:
            # The inner functions rely on the identity that the outer ones set.
            identify(app, _ALICE)
            try:
                answer = str(app.execute(call, values).fetchall())
            except psycopg.Error as error:
                answer = str(error)
        assert not re.search("(?i)of bob|Question 1|And then", answer), (function, answer)
    assert [row for row in everything(database.superuser_url) if '"owner": "bob"' in str(row)] == before


@pytest.mark.parametrize("function", _FUNCTIONS)
def test_no_function_reaches_what_is_another_owner_s(peopled: Database, function: str) -> None:
    assert_bob_is_out_of_reach(peopled, function)


@pytest.mark.parametrize("function", _FUNCTIONS)
def test_the_where_holds_with_every_policy_gone(peopled: Database, function: str) -> None:
    with psycopg.connect(peopled.owner_url) as owner:
        for table in tables(owner):
            name = sql.Identifier("chatcore", table)
            owner.execute(sql.SQL("ALTER TABLE {} DISABLE ROW LEVEL SECURITY").format(name))
            owner.execute(sql.SQL("DROP POLICY own_rows ON {}").format(name))
    assert_bob_is_out_of_reach(peopled, function)


@pytest.mark.parametrize("function", _FUNCTIONS)
def test_the_policies_hold_with_every_where_gone(peopled: Database, function: str) -> None:
    with psycopg.connect(peopled.owner_url) as owner:
        assert without_wheres(owner) >= len(tables(owner))
    assert_bob_is_out_of_reach(peopled, function)


def test_with_both_barriers_gone_a_reach_would_be_noticed(peopled: Database) -> None:
    with psycopg.connect(peopled.owner_url) as owner:
        without_wheres(owner)
        for table in tables(owner):
            name = sql.Identifier("chatcore", table)
            owner.execute(sql.SQL("ALTER TABLE {} DISABLE ROW LEVEL SECURITY").format(name))
    noticed = []
    for function in (
        "find_conversation",
        "list_messages",
        "look_at_turn",
        "cancel_turn",
        "rename_conversation",
    ):
        try:
            assert_bob_is_out_of_reach(peopled, function)
        except AssertionError:
            noticed.append(function)
    assert len(noticed) == 5


def without_wheres(owner: "psycopg.Connection[tuple[object, ...]]") -> int:
    """Make every comparison with the caller's name true in every function, and return how many there were."""
    removed = 0
    for file in shipped().function_files():
        text, times = re.subn(r"\b\w+\.owner = in_owner", "true", file.read_text())
        removed += times
        owner.execute(text.encode())
    return removed
