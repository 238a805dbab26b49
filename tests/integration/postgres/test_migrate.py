"""Migrations go up and down and up again, whoever else migrates and whoever dies at it."""

import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from adapters.postgres.migrate import (
    MigrationFailed,
    Standing,
    migrate_down,
    migrate_up,
    pending,
    role_of,
    status,
)
from adapters.postgres.posture import faults
from adapters.postgres.schema_source import SchemaSource, shipped
from tests.databases import Database
from tests.integration.postgres.catalogue import dumped

_UP = "import sys; from adapters.postgres.migrate import migrate_up; migrate_up(sys.argv[1], sys.argv[2])"

_UP_FROM = """
import sys, pathlib
from adapters.postgres.migrate import migrate_up
from adapters.postgres.posture import faults
from adapters.postgres.schema_source import SchemaSource
source = SchemaSource(migrations=pathlib.Path(sys.argv[2]), functions=pathlib.Path(sys.argv[3]))
migrate_up(sys.argv[1], None, source=source)
"""


def copied(folder: Path, migrations: int) -> SchemaSource:
    """Return a source of the first so many migrations, without functions."""
    source = SchemaSource(migrations=folder / "migrations", functions=folder / "functions")
    source.migrations.mkdir(parents=True)
    source.functions.mkdir()
    for id_ in shipped().migration_ids()[:migrations]:
        for suffix in (".sql", ".rollback.sql"):
            shutil.copy(shipped().migrations / (id_ + suffix), source.migrations)
    return source


def with_migration(source: SchemaSource, name: str, up: str, down: str) -> SchemaSource:
    (source.migrations / f"{name}.sql").write_text(up)
    (source.migrations / f"{name}.rollback.sql").write_text(down)
    return source


def migrating(url: str, source: SchemaSource) -> list[str]:
    """Return the command that migrates in a process of its own."""
    return [sys.executable, "-c", _UP_FROM, url, str(source.migrations), str(source.functions)]


@pytest.mark.parametrize("number", range(1, len(shipped().migration_ids()) + 1))
def test_each_migration_goes_up_down_and_up_to_the_same_catalogue(
    bare_database: Database, tmp_path: Path, number: int
) -> None:
    before, with_it = copied(tmp_path / "before", number - 1), copied(tmp_path / "with", number)
    url = bare_database.owner_url
    migrate_up(url, None, source=before)
    below = dumped(url)
    migrate_up(url, None, source=with_it)
    above = dumped(url)
    assert above != below
    migrate_down(url, steps=1, source=with_it)
    assert dumped(url) == below
    migrate_up(url, None, source=with_it)
    assert dumped(url) == above


def test_keys_lose_the_scope_that_the_version_before_does_not_know(database: Database) -> None:
    with psycopg.connect(database.superuser_url, autocommit=True) as connection:
        connection.execute("INSERT INTO chatcore.app_user (owner) VALUES ('alice')")
        for scopes in ("{read,erase}", "{erase}", "{write}"):
            connection.execute(
                "INSERT INTO chatcore.api_key (owner, id, name, scopes, digest, created_at)"
                " VALUES ('alice', gen_random_uuid(), '', %s, sha256(%s), clock_timestamp())",
                (scopes, scopes.encode()),
            )
        above = len(shipped().migration_ids()) - shipped().migration_ids().index("0006.scope_erase")
        migrate_down(database.owner_url, steps=above)
        left = connection.execute("SELECT scopes FROM chatcore.api_key ORDER BY scopes").fetchall()
    assert left == [(["read"],), (["write"],)]


def test_everything_goes_down_to_nothing_and_up_to_the_same_catalogue(bare_database: Database) -> None:
    url = bare_database.owner_url
    nothing = dumped(url)
    assert migrate_up(url, bare_database.app) == shipped().migration_ids()
    everything = dumped(url)
    assert migrate_down(url) == shipped().migration_ids()[::-1]
    assert dumped(url) == nothing
    assert pending(url) == [*shipped().migration_ids(), "functions"]
    migrate_up(url, bare_database.app)
    assert dumped(url) == everything


def test_migrating_a_database_that_is_up_to_date_changes_nothing(database: Database) -> None:
    before = dumped(database.owner_url)
    assert migrate_up(database.owner_url, database.app) == []
    assert dumped(database.owner_url) == before


def test_six_processes_migrate_at_once_and_each_migration_is_applied_once(bare_database: Database) -> None:
    command = [sys.executable, "-c", _UP, bare_database.owner_url, bare_database.app]
    migrators = [subprocess.Popen(command) for _ in range(6)]
    assert [migrator.wait(timeout=60) for migrator in migrators] == [0] * 6
    assert pending(bare_database.app_url) == []
    with psycopg.connect(bare_database.owner_url) as connection:
        applied = connection.execute(
            "SELECT migration_id FROM chatcore_migration._yoyo_log WHERE operation = 'apply' ORDER BY 1"
        ).fetchall()
    assert [id_ for (id_,) in applied] == shipped().migration_ids()


def test_a_migrator_killed_in_a_statement_does_not_block_the_next(
    bare_database: Database, tmp_path: Path
) -> None:
    source = with_migration(copied(tmp_path, 1), "9000.slow", "SELECT pg_sleep(60);", "SELECT 1;")
    command = migrating(bare_database.owner_url, source)
    killed = subprocess.Popen(command)
    with psycopg.connect(bare_database.superuser_url, autocommit=True) as connection:
        while not connection.execute(
            "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'"
        ).fetchall():
            assert killed.poll() is None
            time.sleep(0.02)
    killed.kill()
    killed.wait(timeout=10)
    began = time.monotonic()
    migrate_up(bare_database.owner_url, bare_database.app)
    assert time.monotonic() - began < 10
    assert pending(bare_database.app_url) == []


def test_migrators_killed_at_any_instant_leave_nothing_half_done(bare_database: Database) -> None:
    command = [sys.executable, "-c", _UP, bare_database.owner_url, bare_database.app]
    for _ in range(8):
        migrator = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        time.sleep(random.uniform(0.2, 0.9))
        migrator.kill()
        migrator.wait(timeout=10)
        states = status(bare_database.owner_url)
        with psycopg.connect(bare_database.owner_url) as connection:
            schema = connection.execute("SELECT to_regnamespace('chatcore') IS NOT NULL").fetchone()
        assert schema == (states[0].applied,)
        if states[-1].applied:
            migrate_down(bare_database.owner_url)
    migrate_up(bare_database.owner_url, bare_database.app)
    assert pending(bare_database.app_url) == []


def test_an_applied_file_that_was_edited_is_noticed_and_nothing_is_built_on_it(
    bare_database: Database, tmp_path: Path
) -> None:
    source = copied(tmp_path, 1)
    migrate_up(bare_database.owner_url, None, source=source)
    (id_,) = source.migration_ids()
    file = source.migration_file(id_)
    file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    assert [state.standing for state in status(bare_database.owner_url, source=source)] == [Standing.APPLIED]
    file.write_text(file.read_text() + "\nCREATE TABLE chatcore.added (owner text PRIMARY KEY);\n")
    assert [state.standing for state in status(bare_database.owner_url, source=source)] == [Standing.EDITED]
    with_migration(source, "9000.more", "CREATE TABLE chatcore.more ();", "DROP TABLE chatcore.more;")
    with pytest.raises(MigrationFailed, match="edited"):
        migrate_up(bare_database.owner_url, None, source=source)
    with psycopg.connect(bare_database.owner_url) as connection:
        assert connection.execute("SELECT to_regclass('chatcore.more')").fetchone() == (None,)


def test_a_newer_schema_is_no_fault_to_an_older_program(bare_database: Database, tmp_path: Path) -> None:
    newer = with_migration(
        copied(tmp_path, 99), "9000.more", "CREATE TABLE chatcore.more ();", "DROP TABLE chatcore.more;"
    )
    (newer.functions / "f.sql").write_text("CREATE FUNCTION chatcore.f() RETURNS int RETURN 1;")
    migrate_up(bare_database.owner_url, bare_database.app)
    migrate_up(bare_database.owner_url, bare_database.app, source=newer)
    assert pending(bare_database.app_url) == []
    assert status(bare_database.app_url)[-1].standing is Standing.UNKNOWN


def test_what_is_pending_is_known_to_a_role_that_was_granted_nothing(bare_database: Database) -> None:
    everything = [*shipped().migration_ids(), "functions"]
    assert pending(bare_database.app_url) == everything
    migrate_up(bare_database.owner_url, None)
    assert pending(bare_database.owner_url) == []
    assert pending(bare_database.app_url) == everything
    migrate_up(bare_database.owner_url, bare_database.app)
    assert pending(bare_database.app_url) == []


def test_a_migration_that_fails_leaves_nothing_behind(bare_database: Database, tmp_path: Path) -> None:
    source = with_migration(
        copied(tmp_path, 1), "9000.bad", "CREATE TABLE chatcore.half ();\nSELECT 1 / 0;", "SELECT 1;"
    )
    with pytest.raises(MigrationFailed, match="division by zero"):
        migrate_up(bare_database.owner_url, None, source=source)
    assert pending(bare_database.owner_url, source=source) == ["9000.bad", "functions"]
    with psycopg.connect(bare_database.owner_url) as connection:
        assert connection.execute("SELECT to_regclass('chatcore.half')").fetchone() == (None,)


def test_an_index_built_concurrently_and_a_waiting_migrator_do_not_wait_for_each_other(
    bare_database: Database, tmp_path: Path
) -> None:
    source = with_migration(
        copied(tmp_path, 1),
        "9000.index",
        "-- transactional: false\nDROP INDEX CONCURRENTLY IF EXISTS chatcore.later;\n"
        "CREATE INDEX CONCURRENTLY later ON chatcore.turn (owner, created_at);",
        "-- transactional: false\nDROP INDEX CONCURRENTLY chatcore.later;",
    )
    migrate_up(bare_database.owner_url, None, source=copied(tmp_path / "first", 1))
    with psycopg.connect(bare_database.owner_url) as reader:
        # An open snapshot makes the index wait, so that the second migrator comes while it does.
        reader.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        reader.execute("SELECT count(*) FROM chatcore.turn")
        command = migrating(bare_database.owner_url, source)
        migrators = [subprocess.Popen(command) for _ in range(2)]
        time.sleep(2)
        assert [migrator.poll() for migrator in migrators] == [None, None]
    assert [migrator.wait(timeout=30) for migrator in migrators] == [0, 0]
    assert pending(bare_database.owner_url, source=source) == []
    assert migrate_down(bare_database.owner_url, steps=1, source=source) == ["9000.index"]


def test_a_migration_that_finds_a_table_in_use_lets_others_pass_and_tries_again(
    bare_database: Database, tmp_path: Path
) -> None:
    source = with_migration(
        copied(tmp_path, 1),
        "9000.column",
        "ALTER TABLE chatcore.turn ADD extra int;",
        "ALTER TABLE chatcore.turn DROP extra;",
    )
    migrate_up(bare_database.owner_url, None, source=copied(tmp_path / "first", 1))
    with psycopg.connect(bare_database.owner_url) as reader:
        reader.execute("SELECT count(*) FROM chatcore.turn")
        with pytest.raises(MigrationFailed, match="in use"):
            migrate_up(bare_database.owner_url, None, source=source, patience=0)
        migrating_on = subprocess.Popen(migrating(bare_database.owner_url, source))
        longest = 0.0
        for _ in range(40):
            began = time.monotonic()
            with psycopg.connect(bare_database.owner_url) as another:
                another.execute("SELECT count(*) FROM chatcore.turn")
            longest = max(longest, time.monotonic() - began)
            time.sleep(0.1)
        assert migrating_on.poll() is None
    assert longest < 2
    assert migrating_on.wait(timeout=20) == 0
    assert pending(bare_database.owner_url, source=source) == []


def test_functions_are_replaced_dropped_when_gone_and_closed_to_the_public(
    bare_database: Database, tmp_path: Path
) -> None:
    # Rights are granted on the tables of all migrations.
    source = copied(tmp_path, 99)
    stays, goes = source.functions / "stays.sql", source.functions / "goes.sql"
    stays.write_text("CREATE OR REPLACE FUNCTION chatcore.stays() RETURNS int RETURN 1;")
    goes.write_text("CREATE OR REPLACE FUNCTION chatcore.goes(a int) RETURNS int RETURN 1;")
    migrate_up(bare_database.owner_url, bare_database.app, source=source)
    goes.unlink()
    stays.write_text("CREATE OR REPLACE FUNCTION chatcore.stays() RETURNS text RETURN 'two';")
    assert pending(bare_database.owner_url, source=source) == ["functions"]
    migrate_up(bare_database.owner_url, bare_database.app, source=source)
    with psycopg.connect(bare_database.app_url) as connection:
        assert connection.execute("SELECT chatcore.stays()").fetchone() == ("two",)
    with psycopg.connect(bare_database.owner_url) as connection:
        left = connection.execute(
            "SELECT proname, proacl::text ~ '[{,]=X' FROM pg_proc WHERE pronamespace = 'chatcore'::regnamespace"
        ).fetchall()
    assert left == [("stays", False)]


def test_a_superuser_may_migrate_for_a_role_that_may_only_serve(bare_database: Database) -> None:
    migrate_up(bare_database.superuser_url, bare_database.app)
    assert pending(bare_database.app_url) == []
    assert faults(bare_database.app_url) == []


def test_a_role_that_may_only_serve_cannot_migrate_and_is_told_who_can(bare_database: Database) -> None:
    with pytest.raises(MigrationFailed, match="DATABASE_URL_UNPOOLED"):
        migrate_up(bare_database.app_url, bare_database.app)
    with psycopg.connect(bare_database.superuser_url) as superuser:
        left = superuser.execute("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'chatcore%'").fetchall()
    assert left == []


def test_a_serving_role_that_does_not_exist_is_named(bare_database: Database) -> None:
    with pytest.raises(MigrationFailed, match='CREATE ROLE "nobody_here"'):
        migrate_up(bare_database.owner_url, "nobody_here")


def test_a_database_that_cannot_be_reached_is_a_failure_in_words(database: Database) -> None:
    with pytest.raises(MigrationFailed, match="does not exist"):
        status(database.owner_url.replace(database.name, "no_such_database"))


def test_the_role_of_a_url_is_read_whatever_form_it_has() -> None:
    assert role_of("postgresql://anna:secret@host/db?sslmode=require") == "anna"
    assert role_of("host=/run user=anna dbname=db") == "anna"
    assert role_of("postgresql:///db") is None
