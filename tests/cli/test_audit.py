"""What users did is shown, and pruned when it is old."""

import asyncio
import json
from datetime import timedelta

import psycopg
import pytest

from adapters.postgres.audit_log import PostgresAuditLog
from adapters.postgres.audit_pruning import prune
from adapters.postgres.database import Database as Pool
from chatcore.audit import AuditEntry
from tests.cli.conftest import Run
from tests.contract.audit_log.entries import entry
from tests.databases import Database


def recorded(database: Database, *entries: AuditEntry) -> None:
    async def record() -> None:
        pool = Pool(database.app_url, max_size=1)
        await pool.open()
        try:
            await PostgresAuditLog(pool).record(entries)
        finally:
            await pool.close()

    asyncio.run(record())


def left(database: Database) -> list[tuple[str, str]]:
    with psycopg.connect(database.superuser_url) as superuser:
        rows = superuser.execute(
            "SELECT owner, request_id FROM chatcore.audit_log ORDER BY owner, id"
        ).fetchall()
    return [(str(owner), str(request)) for owner, request in rows]


def test_a_user_s_actions_are_shown_newest_first_as_lines_and_as_json(
    run: Run, urls: dict[str, str], database: Database
) -> None:
    old, new = entry("ada", request_id="r-1"), entry("ada", request_id="r-2", status=403, problem="forbidden")
    recorded(database, old, new, entry("bob"))
    shown = run("audit", "show", "ada", "--json", **urls)
    assert shown.exit_code == 0, shown.stderr
    facts = json.loads(shown.stdout)
    assert [(fact["request_id"], fact["owner"]) for fact in facts] == [("r-2", "ada"), ("r-1", "ada")]
    assert facts[0] == {
        "id": new.id,
        "at": new.at.isoformat(),
        "owner": "ada",
        "method": "hs256",
        "action": "GET /api/{user_id}/conversations",
        "resource": {"user_id": "ada"},
        "status": 403,
        "problem": "forbidden",
        "request_id": "r-2",
        "address": "192.0.2.1",
    }
    lines = run("audit", "show", "ada", **urls).stdout.splitlines()
    assert [line.split()[1] for line in lines] == ["403", "200"]
    assert lines[0].endswith(" forbidden hs256 192.0.2.1 r-2")


def test_who_has_more_than_is_shown_is_told_how_to_go_on(
    run: Run, urls: dict[str, str], database: Database
) -> None:
    made = [entry("ada", request_id=str(number)) for number in range(5)]
    recorded(database, *made)
    first = run("audit", "show", "ada", "--limit", "3", "--json", **urls)
    assert [fact["request_id"] for fact in json.loads(first.stdout)] == ["4", "3", "2"]
    assert f"--before {made[2].id}" in first.stderr
    rest = run("audit", "show", "ada", "--before", made[2].id, "--json", **urls)
    assert [fact["request_id"] for fact in json.loads(rest.stdout)] == ["1", "0"]
    assert rest.stderr == ""


def test_what_a_caller_chose_cannot_break_a_line_or_reach_the_terminal(
    run: Run, urls: dict[str, str], database: Database
) -> None:
    recorded(database, entry("ada", resource={"user_id": 'x\n2026 200 "\x1b[31m\u2028\x9b'}))
    shown = run("audit", "show", "ada", **urls).stdout
    assert shown.count("\n") == 1
    assert shown[:-1].isprintable()


def test_of_a_user_who_did_nothing_nothing_is_shown(run: Run, urls: dict[str, str]) -> None:
    assert run("audit", "show", "ada", "--json", **urls).stdout == "[]\n"
    shown = run("audit", "show", "ada", **urls)
    assert (shown.exit_code, shown.stdout, shown.stderr) == (0, "", "No entries of ada.\n")


def test_the_help_names_each_column_and_cuts_no_summary_short(run: Run) -> None:
    columns = ("when", "status", "route", "ids", "problem", "known", "address", "request id")
    told = " ".join(run("audit", "show", "--help").stdout.split())
    assert [column for column in columns if column not in told.partition("A line holds:")[2]] == []
    assert "..." not in run("audit", "--help").stdout.partition("Commands:")[2]


@pytest.mark.parametrize("most", [1, 3, 1000])
def test_only_what_is_old_is_pruned_of_every_user_in_steps_of_any_size(database: Database, most: int) -> None:
    day = timedelta(days=1)
    for owner in ("ada", "bob", "cid"):
        ages = [91 * day, 90 * day + timedelta(seconds=5), 90 * day - timedelta(seconds=60), timedelta()]
        recorded(database, *(entry(owner, age=age, request_id=str(i)) for i, age in enumerate(ages)))
    recorded(database, *(entry("dan", age=100 * day) for _ in range(7)))
    told: list[int] = []
    assert prune(database.owner_url, 90 * day, told.append, at_once=most) == 13
    assert left(database) == [(owner, request) for owner in ("ada", "bob", "cid") for request in ("2", "3")]
    assert told[-1] == 13
    assert prune(database.owner_url, 90 * day, told.append, at_once=most) == 0


def test_the_command_prunes_as_the_schema_s_owner_and_says_how_much(
    run: Run, urls: dict[str, str], database: Database
) -> None:
    recorded(database, entry("ada", age=timedelta(days=3)), entry("ada", request_id="new"))
    only = {name: url for name, url in urls.items() if name != "DATABASE_URL_BACKUP"}
    pruned = run("audit", "prune", "--older-than", "2d", "--json", **only)
    assert pruned.exit_code == 0, pruned.stderr
    assert json.loads(pruned.stdout) == {"pruned": 1}
    assert pruned.stderr == "1 row went\n"
    assert left(database) == [("ada", "new")]


def test_the_serving_role_prunes_nothing_and_is_told_who_may(run: Run, database: Database) -> None:
    recorded(database, entry("ada", age=timedelta(days=3)))
    refused = run("audit", "prune", "--older-than", "1s", DATABASE_URL=database.app_url)
    assert refused.exit_code == 1
    assert "DATABASE_URL_UNPOOLED" in refused.stderr
    assert len(left(database)) == 1


def test_the_serving_role_is_not_told_who_has_entries(database: Database) -> None:
    recorded(database, entry("ada", age=timedelta(days=3)))
    with psycopg.connect(database.app_url) as app:
        assert app.execute("SELECT chatcore.list_audited('0')").fetchall() == []
        app.execute("SELECT set_config('chatcore.owner', '@', true)")
        assert app.execute("SELECT owner FROM chatcore.audit_log").fetchall() == []
    with psycopg.connect(database.owner_url) as owner:
        assert owner.execute("SELECT chatcore.list_audited('0')").fetchall() == [("ada",)]
        assert owner.execute("SELECT owner FROM chatcore.app_user").fetchall() == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("show",),
        ("show", "a b"),
        ("show", "ada", "--limit", "0"),
        ("show", "ada", "--before", "x"),
        ("prune",),
        ("prune", "--older-than", "soon"),
        ("prune", "--older-than", "0d"),
    ],
)
def test_what_makes_no_sense_is_an_error_of_usage(run: Run, arguments: tuple[str, ...]) -> None:
    result = run("audit", *arguments)
    assert result.exit_code == 2
    assert result.stdout == ""


@pytest.mark.parametrize("command", [("show", "ada"), ("prune", "--older-than", "1d")])
def test_a_database_that_is_away_or_has_no_schema_is_told(
    run: Run, bare_database: Database, command: tuple[str, ...]
) -> None:
    away = run("audit", *command, DATABASE_URL="postgresql://nobody@127.0.0.1:1/none")
    assert (away.exit_code, away.stdout) == (1, "")
    assert "The database is unavailable." in away.stderr
    bare = run("audit", *command, DATABASE_URL=bare_database.owner_url)
    assert (bare.exit_code, bare.stdout) == (1, "")
    assert "chatcore migrate up" in bare.stderr
