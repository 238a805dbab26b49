"""A backup holds everything, says when it is damaged, and comes back whole into an empty database or not at all."""

import os
import random
import signal
import subprocess
import sys
import tarfile
import threading
import time
from pathlib import Path

import psycopg
import pytest

from adapters.backup import BackupFailed, DamagedBackup, NotEmpty, backup, restore, verify
from adapters.postgres.migrate import migrate_up, pending
from adapters.postgres.posture import faults
from tests.databases import Database
from tests.integration.postgres.catalogue import dumped, program
from tests.integration.postgres.rows import plant


def quiet(words: str) -> None:
    del words


def everything(database: Database) -> str:
    """Return every row of the schema, as a dump says it."""
    command = [program("pg_dump"), "--data-only", "--schema=chatcore", "--restrict-key=x"]
    return subprocess.run(
        [*command, database.superuser_url], check=True, capture_output=True, text=True, timeout=60
    ).stdout


@pytest.fixture
def peopled(database: Database) -> Database:
    with psycopg.connect(database.superuser_url) as superuser:
        for number in range(20):
            plant(superuser, f"user{number}")
    return database


@pytest.fixture
def taken(peopled: Database, tmp_path: Path) -> Path:
    file = tmp_path / "taken.backup"
    backup(peopled.superuser_url, file, quiet)
    return file


def test_what_was_backed_up_comes_back_with_rows_policies_and_rights(
    peopled: Database, taken: Path, bare_database: Database
) -> None:
    restore(bare_database.owner_url, taken, quiet)
    assert everything(bare_database) == everything(peopled)
    assert migrate_up(bare_database.owner_url, bare_database.app) == []
    assert dumped(bare_database.superuser_url) == dumped(peopled.superuser_url)
    assert pending(bare_database.app_url) == []
    assert faults(bare_database.app_url) == []


def test_a_database_that_was_migrated_and_never_used_counts_as_empty(
    peopled: Database, taken: Path, another_database: Database
) -> None:
    restore(another_database.owner_url, taken, quiet)
    migrate_up(another_database.owner_url, another_database.app)
    assert everything(another_database) == everything(peopled)
    assert dumped(another_database.superuser_url) == dumped(peopled.superuser_url)


def test_the_manifest_counts_every_table_and_the_file_is_an_ordinary_archive(taken: Path) -> None:
    manifest = verify(taken)
    assert manifest.rows["chatcore.app_user"] == 20
    assert manifest.rows["chatcore.message"] == 100
    assert manifest.rows["chatcore_migration._yoyo_migration"] > 0
    with tarfile.open(taken) as archive:
        assert archive.getnames() == ["database.dump", "manifest.json"]
    assert taken.stat().st_mode & 0o077 == 0


def test_nothing_is_restored_over_what_is_there(peopled: Database, taken: Path) -> None:
    before = everything(peopled)
    # To the owner every table looks empty: row-level security is forced.
    for url in (peopled.owner_url, peopled.superuser_url):
        with pytest.raises(NotEmpty, match=r"^chatcore\.\w+ holds rows already$"):
            restore(url, taken, quiet)
    assert everything(peopled) == before


def test_a_backup_with_any_byte_wrong_is_refused_before_the_database_is_touched(
    taken: Path, bare_database: Database
) -> None:
    content = taken.read_bytes()
    nothing = dumped(bare_database.superuser_url)
    chance = random.Random(1)
    ends = [0, 100, 150, 155, 300, -1200, -1024, -1]
    for place in [*ends, *(chance.randrange(len(content)) for _ in range(60))]:
        spoilt = bytearray(content)
        spoilt[place] ^= 1 << chance.randrange(8)
        taken.write_bytes(spoilt)
        with pytest.raises(DamagedBackup):
            restore(bare_database.owner_url, taken, quiet)
    taken.write_bytes(content + b"\0")
    with pytest.raises(DamagedBackup):
        restore(bare_database.owner_url, taken, quiet)
    assert dumped(bare_database.superuser_url) == nothing


@pytest.mark.parametrize("kept", [0, 1, 511, 512, 5000, -1600, -513, -1])
def test_a_backup_that_was_cut_short_is_refused(taken: Path, bare_database: Database, kept: int) -> None:
    content = taken.read_bytes()
    taken.write_bytes(content[:kept])
    nothing = dumped(bare_database.superuser_url)
    with pytest.raises(DamagedBackup):
        restore(bare_database.owner_url, taken, quiet)
    assert dumped(bare_database.superuser_url) == nothing


def test_what_is_no_backup_is_refused(tmp_path: Path, bare_database: Database) -> None:
    file = tmp_path / "letter.txt"
    file.write_text("Dear reader, " * 1000)
    with pytest.raises(DamagedBackup):
        restore(bare_database.owner_url, file, quiet)
    with pytest.raises(BackupFailed, match="cannot be read"):
        restore(bare_database.owner_url, tmp_path / "absent", quiet)


def test_a_backup_is_of_one_instant_while_the_server_writes(
    peopled: Database, bare_database: Database, tmp_path: Path
) -> None:
    stop = threading.Event()
    written: list[int] = []

    def write_on() -> None:
        with psycopg.connect(peopled.superuser_url, autocommit=True) as connection:
            while not stop.is_set():
                connection.execute("INSERT INTO chatcore.app_user (owner) VALUES (gen_random_uuid()::text)")
                written.append(1)

    writer = threading.Thread(target=write_on)
    writer.start()
    try:
        while not written:
            time.sleep(0.01)
        manifest = backup(peopled.superuser_url, tmp_path / "live.backup", quiet)
    finally:
        stop.set()
        writer.join(timeout=10)
    assert 20 < manifest.rows["chatcore.app_user"] < 20 + len(written)
    # The restore counts the rows again: the dump and the manifest saw the same.
    assert restore(bare_database.owner_url, tmp_path / "live.backup", quiet) == manifest


def test_a_restore_whose_counts_do_not_agree_is_undone(
    taken: Path, bare_database: Database, tmp_path: Path
) -> None:
    from adapters.backup import archive  # noqa: PLC0415

    with archive.opened(taken) as old:
        content = old.extractfile(archive.DUMP)
        assert content is not None
        dump = content.read()
    manifest = verify(taken)
    lying = tmp_path / "lying.backup"
    rows = {**manifest.rows, "chatcore.message": 99}
    with lying.open("w+b") as file:
        archive.write(
            file,
            iter([dump]),
            lambda sha256, size: archive.Manifest(
                sha256=sha256, size=size, rows=rows, server=manifest.server, taken_at=manifest.taken_at
            ),
        )
    nothing = dumped(bare_database.superuser_url)
    with pytest.raises(BackupFailed, match=r"chatcore\.message has 100 rows and should have 99"):
        restore(bare_database.owner_url, lying, quiet)
    assert dumped(bare_database.superuser_url) == nothing


_RESTORE = "import sys, pathlib; from adapters.backup import restore; restore(sys.argv[1], pathlib.Path(sys.argv[2]), print)"


def test_a_restore_that_is_killed_leaves_nothing(
    peopled: Database, bare_database: Database, tmp_path: Path
) -> None:
    with psycopg.connect(peopled.superuser_url) as superuser:
        superuser.execute(
            "INSERT INTO chatcore.model_call SELECT owner, turn_id, 1, n, repeat('m', 100), 1, 1, false, 'ok', 1, 1"
            " FROM chatcore.model_call, generate_series(2, 3000) AS n"
        )
    file = tmp_path / "large.backup"
    backup(peopled.superuser_url, file, quiet)
    nothing = dumped(bare_database.superuser_url)
    command = [sys.executable, "-c", _RESTORE, bare_database.owner_url, str(file)]
    with psycopg.connect(bare_database.superuser_url, autocommit=True) as watching:
        restoring = subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)
        while not watching.execute(
            "SELECT FROM pg_stat_activity WHERE query LIKE 'COPY %' AND datname = current_database()"
        ).rowcount:
            assert restoring.poll() is None
            time.sleep(0.005)
        os.kill(restoring.pid, signal.SIGKILL)
        restoring.wait(timeout=10)
        while watching.execute(
            "SELECT FROM pg_stat_activity WHERE application_name = 'chatcore backup' AND datname = current_database()"
        ).rowcount:
            time.sleep(0.05)
    assert dumped(bare_database.superuser_url) == nothing
    restore(bare_database.owner_url, file, quiet)
    assert everything(bare_database) == everything(peopled)


def test_a_role_from_which_rows_are_hidden_cannot_back_up_and_is_told_what_to_do(
    peopled: Database, tmp_path: Path
) -> None:
    with pytest.raises(BackupFailed, match="CREATE ROLE chatcore_backup LOGIN BYPASSRLS") as refused:
        backup(peopled.owner_url, tmp_path / "x", quiet)
    assert list(tmp_path.iterdir()) == []
    name = f"{peopled.app}_backup"
    sql = str(refused.value).partition("bind: ")[2].replace("chatcore_backup", f'"{name}"')
    with psycopg.connect(peopled.superuser_url, autocommit=True) as superuser:
        superuser.execute(sql.encode())
        superuser.execute(f'GRANT CONNECT ON DATABASE "{peopled.name}" TO "{name}"')
        try:
            url = peopled.app_url.replace(peopled.app, name, 1)
            password = psycopg.conninfo.conninfo_to_dict(peopled.app_url)["password"]
            superuser.execute(f"ALTER ROLE \"{name}\" PASSWORD '{password}'")
            assert backup(url, tmp_path / "x", quiet).rows["chatcore.app_user"] == 20
        finally:
            superuser.execute(f'DROP OWNED BY "{name}"')
            superuser.execute(f'DROP ROLE "{name}"')


def test_a_backup_is_never_written_over_another(peopled: Database, taken: Path) -> None:
    before = taken.read_bytes()
    with pytest.raises(BackupFailed, match="exists"):
        backup(peopled.superuser_url, taken, quiet)
    assert taken.read_bytes() == before


def test_a_database_without_chatcore_has_nothing_to_back_up(bare_database: Database, tmp_path: Path) -> None:
    with pytest.raises(BackupFailed, match="nothing of chatcore"):
        backup(bare_database.superuser_url, tmp_path / "x", quiet)
    assert list(tmp_path.iterdir()) == []


def test_a_database_that_cannot_be_reached_is_a_failure_in_words(database: Database, taken: Path) -> None:
    url = database.superuser_url.replace(database.name, "no_such_database")
    with pytest.raises(BackupFailed, match="does not exist"):
        backup(url, taken.with_name("x"), quiet)
    with pytest.raises(BackupFailed, match="does not exist"):
        restore(url, taken, quiet)


def test_progress_is_told_in_words(peopled: Database, tmp_path: Path, bare_database: Database) -> None:
    told: list[str] = []
    backup(peopled.superuser_url, tmp_path / "x", told.append)
    assert any("rows in" in words for words in told)
    told.clear()
    restore(bare_database.owner_url, tmp_path / "x", told.append)
    assert told[0] == "verifying the backup"
    assert "restored" in told[-1]


def test_a_password_is_not_shown_in_the_list_of_processes() -> None:
    from adapters.backup.programs import without_password  # noqa: PLC0415

    for url in (
        "postgresql://anna:s%40cret@host:5/db?sslmode=require",
        "postgresql://anna@host:5/db?password=s%40cret&sslmode=require",
    ):
        shown, environment = without_password(url)
        assert shown == "postgresql://anna@host:5/db?sslmode=require"
        assert environment["PGPASSWORD"] == "s@cret"
    assert without_password("postgresql:///db?host=%2Frun&port=1")[0] == "postgresql:///db?host=%2Frun&port=1"
