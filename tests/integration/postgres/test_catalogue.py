"""What the catalogue must say of every table, so that no owner can reach another and the tables can be sharded."""

import re
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.databases import Database
from tests.integration.postgres.catalogue import tables

# What Citus asks of a table that is distributed by owner, and what keeps a row from another owner's parent.
_KEYS = """
SELECT c.conrelid::regclass::text, c.conname, c.contype::text,
       (SELECT a.attname FROM pg_attribute AS a WHERE a.attrelid = c.conrelid AND a.attnum = c.conkey[1]),
       (SELECT a.attname FROM pg_attribute AS a WHERE a.attrelid = c.confrelid AND a.attnum = c.confkey[1])
  FROM pg_constraint AS c
 WHERE c.connamespace = 'chatcore'::regnamespace
   AND c.contype IN ('p', 'u', 'f', 'x')
"""
_INDEXES = """
SELECT i.indexrelid::regclass::text,
       (SELECT a.attname FROM pg_attribute AS a WHERE a.attrelid = i.indrelid AND a.attnum = i.indkey[0])
  FROM pg_index AS i
  JOIN pg_class AS c ON c.oid = i.indrelid
 WHERE c.relnamespace = 'chatcore'::regnamespace
"""
# Whatever sets an identity, or calls what sets one, without being told whose.
_STEPS_OF_MANY = """
SELECT p.proname
  FROM pg_proc AS p
  JOIN pg_language AS l ON l.oid = p.prolang
 WHERE p.pronamespace = 'chatcore'::regnamespace
   AND l.lanname = 'plpgsql'
   AND p.proargnames[1] IS DISTINCT FROM 'in_owner'
 ORDER BY 1
"""
_RIGHTS = """
SELECT c.relname, p.privilege_type
  FROM pg_class AS c, LATERAL aclexplode(c.relacl) AS p
 WHERE c.relnamespace = 'chatcore'::regnamespace
   AND p.grantee = %(app)s::regrole
UNION
SELECT c.relname, p.privilege_type || ' ' || a.attname
  FROM pg_class AS c
  JOIN pg_attribute AS a ON a.attrelid = c.oid, LATERAL aclexplode(a.attacl) AS p
 WHERE c.relnamespace = 'chatcore'::regnamespace
   AND p.grantee = %(app)s::regrole
"""


@pytest.fixture
def owner(database: Database) -> Iterator["psycopg.Connection[tuple[object, ...]]"]:
    with psycopg.connect(database.owner_url, autocommit=True) as connection:
        yield connection


def test_the_owner_leads_every_key_and_every_foreign_key_on_both_sides(
    owner: "psycopg.Connection[tuple[object, ...]]",
) -> None:
    keys = owner.execute(_KEYS).fetchall()
    assert {kind for _, _, kind, _, _ in keys} >= {"p", "u", "f"}
    wrong = [key for key in keys if key[3] != "owner" or (key[2] == "f" and key[4] != "owner")]
    assert wrong == []


def test_every_table_has_a_primary_key_and_owner_leads_every_index(
    owner: "psycopg.Connection[tuple[object, ...]]",
) -> None:
    keyed = owner.execute(
        "SELECT conrelid::regclass::text FROM pg_constraint"
        " WHERE connamespace = 'chatcore'::regnamespace AND contype = 'p'"
    ).fetchall()
    assert sorted(str(name) for (name,) in keyed) == [f"chatcore.{name}" for name in tables(owner)]
    indexes = owner.execute(_INDEXES).fetchall()
    assert len(indexes) > len(keyed)
    assert [index for index in indexes if index[1] != "owner"] == []


def test_the_page_on_sharding_distributes_every_table_and_names_each_step_that_is_of_no_single_owner(
    owner: "psycopg.Connection[tuple[object, ...]]",
) -> None:
    page = (Path(__file__).parents[3] / "docs" / "scaling.md").read_text("utf-8")
    citus = page.partition("## Sharded by owner, with Citus")[2]
    assert sorted(re.findall(r"create_distributed_table\('chatcore\.(\w+)', 'owner'", citus)) == tables(owner)
    steps = [str(name) for (name,) in owner.execute(_STEPS_OF_MANY).fetchall()]
    assert len(steps) > 1
    assert [name for name in steps if f"`{name}` is of " not in citus] == []


def test_every_table_reaches_the_user_by_foreign_keys_that_cascade(
    owner: "psycopg.Connection[tuple[object, ...]]",
) -> None:
    edges = owner.execute(
        "SELECT a.relname, b.relname FROM pg_constraint AS c"
        " JOIN pg_class AS a ON a.oid = c.conrelid JOIN pg_class AS b ON b.oid = c.confrelid"
        " WHERE c.connamespace = 'chatcore'::regnamespace AND c.contype = 'f' AND c.confdeltype = 'c'"
    ).fetchall()
    reached = {"app_user"}
    for _ in edges:
        reached |= {str(child) for child, parent in edges if parent in reached}
    # A rate's subject may be a network address, and one that is a user need not be known yet.
    assert reached == set(tables(owner)) - {"rate_bucket"}


def test_row_security_is_enabled_and_forced_on_every_table(
    owner: "psycopg.Connection[tuple[object, ...]]",
) -> None:
    protected = owner.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = 'chatcore'::regnamespace"
        " AND relkind IN ('r', 'p') AND relrowsecurity AND relforcerowsecurity ORDER BY 1"
    ).fetchall()
    assert [name for (name,) in protected] == tables(owner)


def test_the_serving_role_has_exactly_these_rights(
    database: Database, owner: "psycopg.Connection[tuple[object, ...]]"
) -> None:
    rights: dict[str, set[str]] = {}
    for table, right in owner.execute(_RIGHTS, {"app": database.app}).fetchall():
        rights.setdefault(str(table), set()).add(str(right))
    whole = {table: {r for r in of if " " not in r} for table, of in rights.items()}
    assert whole == {
        "app_user": {"SELECT", "INSERT", "DELETE"},
        "conversation": {"SELECT", "INSERT", "DELETE"},
        "turn": {"SELECT", "INSERT"},
        "message": {"SELECT", "INSERT"},
        "turn_chunk": {"SELECT", "INSERT", "DELETE"},
        "model_call": {"SELECT", "INSERT"},
        "rate_bucket": {"SELECT", "INSERT", "DELETE"},
        "token_day": {"SELECT", "INSERT", "DELETE"},
        "api_key": {"SELECT", "INSERT"},
        "audit_log": {"SELECT", "INSERT"},
    }
    columns = {(table, r) for table, of in rights.items() for r in of if " " in r}
    unchangeable = {
        "owner",
        "id",
        "conversation_id",
        "number",
        "key",
        "fingerprint",
        "created_at",
        "digest",
        "scopes",
    }
    assert {table for table, _ in columns} == {"conversation", "turn", "api_key", "rate_bucket", "token_day"}
    assert {r.split()[0] for _, r in columns} == {"UPDATE"}
    assert unchangeable.isdisjoint(r.split()[1] for _, r in columns)


@pytest.mark.parametrize(
    "forbidden",
    [
        "UPDATE chatcore.message SET content = 'never said'",
        "DELETE FROM chatcore.message",
        "DELETE FROM chatcore.turn",
        "DELETE FROM chatcore.model_call",
        "UPDATE chatcore.audit_log SET status = 200",
        "DELETE FROM chatcore.audit_log",
        "TRUNCATE chatcore.audit_log",
        "SELECT chatcore.prune_audit('alice', interval '0', 10)",
        "UPDATE chatcore.turn SET owner = 'mallory'",
        "UPDATE chatcore.conversation SET owner = 'mallory'",
        "UPDATE chatcore.app_user SET owner = 'mallory'",
        "TRUNCATE chatcore.turn_chunk",
        "CREATE TABLE chatcore.mine ()",
        "CREATE TABLE public.mine ()",
        "CREATE SCHEMA mine",
        "CREATE TEMPORARY TABLE mine ()",
        "ALTER TABLE chatcore.message DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE chatcore.message NO FORCE ROW LEVEL SECURITY",
        "DROP POLICY own_rows ON chatcore.message",
        "CREATE POLICY mine ON chatcore.message USING (true)",
        "DROP TABLE chatcore.message",
        "SET ROLE {owner}",
        "DELETE FROM chatcore_migration._yoyo_migration",
        "UPDATE chatcore_migration.file SET sha256 = ''",
        "INSERT INTO chatcore_migration.functions VALUES ('', '{{}}')",
    ],
)
def test_the_serving_role_is_refused(database: Database, forbidden: str) -> None:
    with (
        psycopg.connect(database.app_url, autocommit=True) as app,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        app.execute(forbidden.format(owner=f'"{database.owner}"'))
