"""Data goes out and comes back, of one user or of all, and is forgotten on request."""

import asyncio
from pathlib import Path

import pytest

from adapters.scripted import ScriptedLanguageModel
from chatcore.chat import Question
from entrypoints.container import Container
from entrypoints.settings import Settings
from tests.cli.conftest import Run
from tests.databases import Database


def ask(database: Database, user: str, text: str) -> None:
    """Have a question answered in a database."""
    container = Container(
        settings=Settings(database_url=database.app_url, auth_jwt_secret="s" * 32),
        language_model=ScriptedLanguageModel(["Indeed."]),
    )

    async def asked() -> None:
        async with container.opened():
            made = await container.chat().ask(user, container.assistant(), Question(text=text))
            await container.listener().ending(user, made.turn_id, made.live)

    asyncio.run(asked())


def test_an_export_is_imported_as_another_users(run: Run, urls: dict[str, str], database: Database) -> None:
    ask(database, "ada", "Is the sea deep?")
    export = run("export", "ada", **urls)
    assert export.exit_code == 0, export.stderr
    assert "Is the sea deep?" in export.stdout
    assert run("import", "bob", given=export.stdout_bytes, **urls).exit_code == 0
    assert "Is the sea deep?" in run("export", "bob", **urls).stdout
    assert run("import", "bob", given=export.stdout_bytes, **urls).exit_code == 1


def test_half_an_export_is_refused(run: Run, urls: dict[str, str], database: Database) -> None:
    ask(database, "ada", "Is the sea deep?")
    lines = run("export", "ada", **urls).stdout_bytes.splitlines(keepends=True)
    result = run("import", "bob", given=b"".join(lines[:-1]), **urls)
    assert result.exit_code == 1
    assert "no whole export" in result.stderr
    assert run("export", "bob", **urls).exit_code == 1


def test_a_user_is_forgotten(run: Run, urls: dict[str, str], database: Database) -> None:
    ask(database, "ada", "Is the sea deep?")
    assert run("user", "erase", "ada", given="n\n", **urls).exit_code == 1
    assert run("export", "ada", **urls).exit_code == 0
    assert run("user", "erase", "ada", given="y\n", **urls).exit_code == 0
    assert run("export", "ada", **urls).exit_code == 1
    assert run("user", "erase", "ada", "--yes", **urls).exit_code == 1


def test_a_backup_is_restored_into_an_empty_database(
    run: Run, urls: dict[str, str], database: Database, bare_database: Database, tmp_path: Path
) -> None:
    ask(database, "ada", "Is the sea deep?")
    file = tmp_path / "backup.tar"
    taken = run("backup", str(file), **urls)
    assert taken.exit_code == 0, taken.stderr
    others = {"DATABASE_URL": bare_database.app_url, "DATABASE_URL_UNPOOLED": bare_database.owner_url}
    restored = run("restore", str(file), **others)
    assert restored.exit_code == 0, restored.stderr
    assert "Is the sea deep?" in run("export", "ada", **others).stdout
    assert run("restore", str(file), **others).exit_code == 1


def test_a_damaged_backup_is_refused(
    run: Run, urls: dict[str, str], database: Database, tmp_path: Path
) -> None:
    ask(database, "ada", "Is the sea deep?")
    file = tmp_path / "backup.tar"
    run("backup", str(file), **urls)
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    result = run("restore", str(file), **urls)
    assert result.exit_code == 1
    assert "damaged" in result.stderr


def test_a_role_that_sees_no_rows_takes_no_backup(run: Run, database: Database, tmp_path: Path) -> None:
    result = run("backup", str(tmp_path / "backup.tar"), DATABASE_URL=database.app_url)
    assert result.exit_code == 1
    assert "BYPASSRLS" in result.stderr


@pytest.mark.parametrize("command", [("export", "a b"), ("import", "a b"), ("user", "erase", "a b", "--yes")])
def test_an_impossible_user_is_an_error_of_usage(run: Run, command: tuple[str, ...]) -> None:
    assert run(*command).exit_code == 2


@pytest.mark.parametrize(
    "command", [("export", "ada"), ("key", "list", "ada"), ("user", "erase", "ada", "--yes")]
)
def test_a_database_that_is_away_is_told(run: Run, command: tuple[str, ...]) -> None:
    result = run(*command, DATABASE_URL="postgresql://nobody@127.0.0.1:1/none")
    assert result.exit_code == 1
    assert "The database is unavailable." in result.stderr


@pytest.mark.parametrize(
    "command", [("export", "ada"), ("key", "list", "ada"), ("user", "erase", "ada", "--yes")]
)
def test_a_database_without_a_schema_is_told(
    run: Run, bare_database: Database, command: tuple[str, ...]
) -> None:
    result = run(*command, DATABASE_URL=bare_database.app_url)
    assert result.exit_code == 1
    assert "chatcore migrate up" in result.stderr
