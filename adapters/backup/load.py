"""Restores a backup into a database that is empty, in one transaction."""

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from adapters.backup.archive import Manifest, offset_of_dump, verify
from adapters.backup.programs import (
    BackupFailed,
    Progress,
    chunks,
    failure,
    pipe,
    program,
    said,
    statement,
    without_password,
)

_PREAMBLE = 4096
# PostgreSQL 16 and older do not know it, and a dump's text names it all the same.
_TOO_NEW = b"SET transaction_timeout = 0;\n"


class NotEmpty(BackupFailed):
    """The database holds something already; nothing was restored."""


def restore(url: str, file: Path, progress: Progress) -> Manifest:
    """Restore a backup as the role of a URL, who will own everything, and return the backup's manifest.

    All or nothing: every byte of the file is verified before the database is touched, every table's rows are
    counted before the commit. A schema in which nothing was ever written is replaced.

    Raises:
        DamagedBackup: the file is not as it was written.
        NotEmpty: there are rows in the database.
        BackupFailed: the database refuses; it is as it was.
    """
    progress("verifying the backup")
    try:
        manifest = verify(file)
        offset = offset_of_dump(file)
    except OSError as error:
        raise BackupFailed(f"{file} cannot be read: {error.strerror}") from error
    with _script(url) as script, file.open("rb", buffering=0) as dump:
        script.write(b"BEGIN;\n" + statement("clear").encode())
        for section in ("pre-data", "data"):
            os.lseek(dump.fileno(), offset, os.SEEK_SET)
            _feed(script, dump, section, progress)
        script.write(_comparison(manifest))
        os.lseek(dump.fileno(), offset, os.SEEK_SET)
        progress("building the indexes")
        _feed(script, dump, "post-data", progress)
        # Only now: whatever ends the script before this ends the transaction with nothing done.
        script.write(b"COMMIT;\n")
    progress(f"{sum(manifest.rows.values()):,} rows restored in {len(manifest.rows)} tables")
    return manifest


@contextmanager
def _script(url: str) -> Iterator[IO[bytes]]:
    """Yield what psql reads, and see to it that it liked it."""
    shown, environment = without_password(url)
    command = [program("psql"), "-Xq", "-o", os.devnull, "-v", "ON_ERROR_STOP=1"]
    command += ["-v", "VERBOSITY=verbose", "-d", shown]
    with (
        tempfile.TemporaryFile() as complaints,
        subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stderr=complaints) as psql,  # noqa: S603 - our own program and arguments
    ):
        unread = False
        try:
            yield pipe(psql.stdin)
            pipe(psql.stdin).close()
        except BrokenPipeError:
            # It has ended by itself, and said why.
            unread = True
        except BaseException:
            psql.kill()
            raise
        finally:
            with suppress(BrokenPipeError):
                pipe(psql.stdin).close()
        if psql.wait() != 0 or unread:
            _complain(failure(complaints))


def _complain(text: str) -> None:
    kind = NotEmpty if "KB001" in text else BackupFailed
    raise kind(said(text))


def _feed(script: IO[bytes], dump: IO[bytes], section: str, progress: Progress) -> None:
    command = [program("pg_restore"), f"--section={section}", "--no-owner", "--no-privileges", "--file=-"]
    with (
        tempfile.TemporaryFile() as complaints,
        subprocess.Popen(command, stdin=dump, stdout=subprocess.PIPE, stderr=complaints) as reading,  # noqa: S603 - our own program and arguments
    ):
        try:
            text = pipe(reading.stdout)
            script.write(text.read(_PREAMBLE).replace(_TOO_NEW, b""))
            script.writelines(chunks(text, progress))
            if reading.wait() != 0:
                raise BackupFailed(said(failure(complaints)))
        finally:
            reading.kill()


def _comparison(manifest: Manifest) -> bytes:
    rows = json.dumps(manifest.rows).replace("'", "''")
    return statement("compare").replace(":'rows'", f"'{rows}'").encode()
