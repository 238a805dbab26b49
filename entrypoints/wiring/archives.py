"""Whole databases, out of one place and into another."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from adapters.backup import BackupFailed, DamagedBackup, backup, restore
from entrypoints.wiring.schema import bring_up
from entrypoints.wiring.storage import Storage

Tell = Callable[[str], None]


class ArchiveFailed(Exception):
    """There is no backup, or nothing was restored; says why."""


def back_up(place: Storage, file: Path, tell: Tell) -> None:
    """Write a database to a new file.

    Raises:
        ArchiveFailed: there is no backup.
    """
    with _told():
        backup(place.all_seeing_url, file, tell)


def bring_back(place: Storage, file: Path, tell: Tell) -> None:
    """Bring a file back into an empty database, then the schema to this version.

    Raises:
        ArchiveFailed: nothing was restored.
        StorageUnusable: it was, but the schema could not be brought to this version.
    """
    with _told():
        restore(place.owner_url, file, tell)
    bring_up(place)


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except DamagedBackup as error:
        raise ArchiveFailed(f"The backup is damaged, nothing was restored: {error}") from error
    except BackupFailed as error:
        raise ArchiveFailed(str(error)) from error
