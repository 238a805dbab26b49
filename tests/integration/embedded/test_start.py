"""A server is started, keeps what it was given, and is private."""

import os
import stat
from pathlib import Path

import psycopg
import pytest
from yoyo import get_backend  # type: ignore[import-untyped]

from adapters.embedded import EmbeddedPostgres
from adapters.embedded.layout import Layout
from adapters.embedded.process import log_size
from tests.integration.embedded.holder import Holder, ask, do, postmaster, runs


def test_a_new_directory_gets_a_server_of_its_own_locale(shared: tuple[Path, str]) -> None:
    _, url = shared
    with psycopg.connect(url) as connection:
        row = connection.execute(
            "SELECT current_user, datlocprovider, datlocale, pg_encoding_to_char(encoding),"
            " lower('ÄÖÜ') FROM pg_database WHERE datname = current_database()"
        ).fetchone()
    assert row == ("postgres", "b", "C.UTF-8", "UTF8", "äöü")


def test_it_listens_at_its_socket_and_nowhere_else(shared: tuple[Path, str]) -> None:
    directory, url = shared
    assert ask(url, "SHOW listen_addresses") == ""
    assert stat.S_ISSOCK((directory / "postgres/run/.s.PGSQL.5432").stat().st_mode)
    with psycopg.connect(url) as connection:
        rules = connection.execute("SELECT DISTINCT type, auth_method FROM pg_hba_file_rules")
        assert sorted(rules) == [("host", "reject"), ("local", "trust")]


def test_every_file_is_for_its_owner_only(shared: tuple[Path, str]) -> None:
    directory, _ = shared
    found = [path for path in directory.rglob("*") if not path.name.startswith("pgsql_tmp")]
    assert len(found) > 100
    assert [path for path in found if path.lstat().st_mode & 0o077] == []
    assert directory.stat().st_mode & 0o077 == 0


def test_a_migration_tool_can_use_its_url(shared: tuple[Path, str]) -> None:
    _, url = shared
    backend = get_backend(url.replace("postgresql:", "postgresql+psycopg:"))
    with backend.transaction():
        assert backend.execute("SELECT 40 + 2").fetchone() == (42,)
    backend.connection.close()


def test_starting_it_again_changes_nothing(made: Path) -> None:
    with EmbeddedPostgres(made, durable=False) as server:
        first = postmaster(made)
        assert server.start() == server.start()
        assert postmaster(made) == first
        assert not server.restart_if_dead()


def test_it_keeps_its_data_over_a_stop_which_may_be_repeated(data_dir: Path) -> None:
    server = EmbeddedPostgres(data_dir)
    server.stop()
    do(server.start(), "CREATE TABLE kept AS SELECT 'yes' AS answer")
    pid = postmaster(data_dir)
    server.stop()
    server.stop()
    assert not runs(pid)
    assert not server.alive()
    assert ask(server.start(), "SELECT answer FROM kept") == "yes"
    server.stop()


def test_describing_a_server_writes_nothing(data_dir: Path) -> None:
    server = EmbeddedPostgres(data_dir / "new")
    assert not server.alive()
    assert not server.attached
    assert list(data_dir.iterdir()) == []


@pytest.mark.parametrize(("durable", "expected"), [(True, "on"), (False, "off")])
def test_a_commit_survives_the_loss_of_power_unless_asked_not_to(
    made: Path, *, durable: bool, expected: str
) -> None:
    with EmbeddedPostgres(made, durable=durable) as server:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            assert ask(server.start(), f"SHOW {setting}") == expected


def test_settings_reach_it_but_cannot_open_it_to_the_network(made: Path) -> None:
    settings = {"max_connections": "500", "work_mem": "5MB", "listen_addresses": "*", "port": "1"}
    with EmbeddedPostgres(made, durable=False, settings=settings) as server:
        url = server.start()
        assert ask(url, "SHOW max_connections") == "500"
        assert ask(url, "SHOW work_mem") == "5MB"
        assert ask(url, "SHOW listen_addresses") == ""


def test_its_path_may_have_spaces_and_letters_of_any_kind(data_dir: Path) -> None:
    with EmbeddedPostgres(data_dir / "Größe & Maß%20?#", durable=False) as server:
        url = server.start()
        assert ask(url, "SELECT 1") == "1"
        backend = get_backend(url.replace("postgresql:", "postgresql+psycopg:"))
        backend.connection.close()


def test_it_inherits_none_of_our_secrets(made: Path) -> None:
    url = Layout(data_dir=made).conninfo
    with Holder(made, environment={"OPENAI_API_KEY": "sk-secret"}) as holder:
        assert holder.do("start")["alive"]
        do(url, "CREATE TABLE seen (line text)", "COPY seen FROM PROGRAM 'env'")
        assert ask(url, "SELECT count(*) FROM seen WHERE line = 'TZ=UTC'") == "1"
        assert ask(url, "SELECT count(*) FROM seen WHERE line LIKE '%secret%'") == "0"
        holder.do("stop")


def test_a_refused_statement_is_not_written_to_its_log(shared: tuple[Path, str]) -> None:
    directory, url = shared
    with pytest.raises(psycopg.errors.UndefinedTable):
        do(url, "SELECT 'what somebody wrote' FROM nowhere")
    assert b"somebody" not in (directory / "postgres/log/postgres.log").read_bytes()


def test_its_log_does_not_grow_without_end(made: Path) -> None:
    server = EmbeddedPostgres(made, durable=False)
    server.start()
    server.stop()
    log = made / "postgres/log/postgres.log"
    os.truncate(log, 6_000_000)
    server.start()
    server.stop()
    assert log_size(Layout(data_dir=made)) < 100_000
    assert log.with_name("postgres.log.1").stat().st_size == 6_000_000
