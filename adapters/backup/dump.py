"""Takes a backup while the server runs, of one snapshot."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from adapters.backup.archive import Manifest, verify, write
from adapters.backup.programs import (
    BackupFailed,
    Progress,
    chunks,
    failure,
    pipe,
    program,
    said,
    session,
    statement,
    without_password,
)


def backup(url: str, file: Path, progress: Progress) -> Manifest:
    """Write a backup of the database of a URL to a new file, read it again, and return its manifest.

    The role must be one that row-level security does not bind: a superuser, or one with BYPASSRLS that may
    read the tables.

    Raises:
        BackupFailed: there is no backup, and no file.
    """
    if file.exists():
        raise BackupFailed(f"{file} exists; a backup is never written over another")
    part = file.with_name(f"{file.name}.part")
    try:
        with os.fdopen(os.open(part, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600), "w+b") as target:
            _dump(url, target, progress)
            target.flush()
            os.fsync(target.fileno())
        progress("reading it again")
        manifest = verify(part)
        part.rename(file)
    except FileExistsError as error:
        raise BackupFailed(f"{part} exists: another backup runs, or one was killed; remove it then") from error
    except OSError as error:
        part.unlink(missing_ok=True)
        raise BackupFailed(f"{file} cannot be written: {error.strerror}") from error
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    progress(f"{file}: {manifest.size:,} bytes, {sum(manifest.rows.values()):,} rows")
    return manifest


def _dump(url: str, target: IO[bytes], progress: Progress) -> Manifest:
    with session(url) as asked:
        ((snapshot, role, sees_all, server, now, there),) = asked.ask(statement("snapshot"))
        if there != "t":
            raise BackupFailed("there is nothing of chatcore in this database")
        if sees_all != "t":
            raise BackupFailed(
                f"row-level security hides rows from {role}; back up as a role that it does not bind: "
                "CREATE ROLE chatcore_backup LOGIN BYPASSRLS PASSWORD '<a long random one>'; "
                "GRANT pg_read_all_data TO chatcore_backup;"
            )
        rows = {name: int(count) for name, count in asked.ask(statement("counts"))}
        progress(f"{sum(rows.values()):,} rows in {len(rows)} tables")

        def manifest_of(sha256: str, size: int) -> Manifest:
            return Manifest(sha256=sha256, size=size, rows=rows, server=server, taken_at=now)

        return write(target, _chunks(url, snapshot, progress), manifest_of)


def _chunks(url: str, snapshot: str, progress: Progress) -> Iterator[bytes]:
    shown, environment = without_password(url)
    command = [program("pg_dump"), "--format=custom", f"--snapshot={snapshot}", "--lock-wait-timeout=60s"]
    command += ["--schema=chatcore", "--schema=chatcore_migration", f"--dbname={shown}"]
    with (
        tempfile.TemporaryFile() as complaints,
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=complaints) as dump,  # noqa: S603 - our own program and arguments
    ):
        try:
            yield from chunks(pipe(dump.stdout), progress)
            if dump.wait() != 0:
                raise BackupFailed(said(failure(complaints)))
        finally:
            dump.kill()
