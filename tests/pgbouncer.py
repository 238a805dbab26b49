"""PgBouncer in front of a test's database, in the configuration that we ship."""

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from adapters.embedded import launch as launch_script
from tests.chaos.processes import free_port

SHIPPED = Path(__file__).parents[1] / "deploy" / "pgbouncer.ini"
_SECONDS_TO_START = 10.0
_ROOT = 0


@contextmanager
def pgbouncer(conninfo: str, **settings: int) -> Iterator[str]:
    """Yield the conninfo of a database by way of a PgBouncer; `settings` replace those that we ship.

    The test is skipped where PgBouncer is not installed.
    """
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        pytest.skip("PgBouncer is not installed: apt-get install pgbouncer")
    said = {name: str(value) for name, value in conninfo_to_dict(conninfo).items()}
    pooled = make_conninfo(conninfo, host="127.0.0.1", port=free_port(), sslmode="disable")
    with tempfile.TemporaryDirectory(prefix="chatcore-") as name:
        folder = Path(name)
        _write(folder, said, settings | {"listen_port": int(conninfo_to_dict(pooled)["port"] or 0)})
        process = _run(program, folder, said["host"])
        try:
            _await(process, pooled, folder)
            yield pooled
        finally:
            process.terminate()
            process.wait(10)


def _write(folder: Path, server: Mapping[str, str], settings: Mapping[str, int]) -> None:
    password = server.get("password", "")
    (folder / "userlist.txt").write_text(f'"{server["user"]}" "{password}"\n')
    # Later lines replace earlier ones. What is shipped stands on its own, or it would not be tried here.
    lines = [
        SHIPPED.read_text().replace("host=127.0.0.1 port=5432 dbname=chatcore", _place(server)),
        f"auth_file = {folder / 'userlist.txt'}",
        f"logfile = {folder / 'log'}",
        *(f"{name} = {value}" for name, value in settings.items()),
    ]
    if not password:
        lines.append("auth_type = trust")
    text = "\n".join(lines).replace("\nchatcore = ", f"\n{server['dbname']} = ")
    (folder / "pgbouncer.ini").write_text(text + "\n")


def _place(server: Mapping[str, str]) -> str:
    host = server["host"]
    if host.startswith("/"):
        # The socket's directory may be closed to whom PgBouncer runs as, who stands in it all the same.
        host = "/proc/self/cwd"
    return f"host={host} port={server.get('port', '5432')} dbname={server['dbname']}"


def _run(program: str, folder: Path, host: str) -> "subprocess.Popen[bytes]":
    uid, gid = os.geteuid(), os.getegid()
    if uid == _ROOT:
        # It refuses to be root.
        nobody = pwd.getpwnam("nobody")
        uid, gid = nobody.pw_uid, nobody.pw_gid
        for path in (folder, *folder.iterdir()):
            os.chown(path, uid, gid)
    # As the embedded PostgreSQL, it dies with us, however we die.
    place = host if host.startswith("/") else str(folder)
    who = [str(os.getpid()), str(uid), str(gid), place, str(folder / "words")]
    launch = [sys.executable, "-I", "-S", launch_script.__file__, *who]
    return subprocess.Popen([*launch, program, "--quiet", str(folder / "pgbouncer.ini")])


def _await(process: "subprocess.Popen[bytes]", conninfo: str, folder: Path) -> None:
    until = time.monotonic() + _SECONDS_TO_START
    while time.monotonic() < until and process.poll() is None:
        with suppress(psycopg.OperationalError):
            psycopg.connect(conninfo, connect_timeout=2).close()
            return
        time.sleep(0.02)
    raise AssertionError([path.read_text() for name in ("words", "log") if (path := folder / name).exists()])
