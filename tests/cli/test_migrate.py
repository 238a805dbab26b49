"""The schema goes up, down, and says where it stands."""

import json

from adapters.postgres import posture
from adapters.postgres.migrate import pending
from tests.cli.conftest import Run
from tests.databases import Database


def variables(database: Database) -> dict[str, str]:
    return {"DATABASE_URL": database.app_url, "DATABASE_URL_UNPOOLED": database.owner_url}


def test_up_makes_the_schema_and_grants_the_serving_role_its_rights(run: Run, bare_database: Database) -> None:
    result = run("migrate", "up", **variables(bare_database))
    assert result.exit_code == 0, result.stderr
    assert result.stdout.startswith("0001.")
    assert pending(bare_database.app_url) == []
    assert posture.faults(bare_database.app_url) == []


def test_up_twice_has_nothing_to_do_the_second_time(run: Run, urls: dict[str, str]) -> None:
    result = run("migrate", **urls)
    assert (result.exit_code, result.stdout) == (0, "")
    assert "nothing" in result.stderr


def test_down_undoes_the_newest_or_all(run: Run, urls: dict[str, str]) -> None:
    states = json.loads(run("migrate", "status", "--json", **urls).stdout)
    newest = states[-1]["id"]
    assert run("migrate", "down", **urls).stdout == f"{newest} down\n"
    assert run("migrate", "status", **urls).stdout.endswith(f"{newest} pending\n")
    run("migrate", "down", "--all", **urls)
    after = json.loads(run("migrate", "status", "--json", **urls).stdout)
    assert {one["state"] for one in after} == {"pending"}


def test_status_lists_each_migration_of_the_embedded_database(run: Run) -> None:
    lines = run("migrate", "status").stdout.splitlines()
    assert lines
    assert all(line.endswith(" applied") for line in lines)


def test_the_embedded_database_does_not_go_down(run: Run) -> None:
    result = run("migrate", "down")
    assert result.exit_code == 1
    assert "DATABASE_URL" in result.stderr


def test_a_database_that_is_away_is_told(run: Run) -> None:
    result = run("migrate", "up", DATABASE_URL="postgresql://nobody@127.0.0.1:1/none")
    assert result.exit_code == 1
    assert "127.0.0.1" in result.stderr
