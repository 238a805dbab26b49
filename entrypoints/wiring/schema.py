"""The schema of a database, brought up and down."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from adapters.postgres import migrate
from adapters.postgres.migrate import MigrationFailed
from entrypoints.wiring.storage import Storage, StorageUnusable


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaState:
    """A migration by its id, and where it stands in a word or a few."""

    id: str
    state: str


def bring_up(place: Storage) -> list[str]:
    """Apply what is pending, grant the serving role its rights, and return the ids of what was applied.

    Raises:
        StorageUnusable: it did not succeed.
    """
    with _told():
        return migrate.migrate_up(place.owner_url, migrate.role_of(place.app_url))


def bring_down(place: Storage, steps: int | None) -> list[str]:
    """Roll the newest migrations back, None being all, and return their ids.

    Raises:
        StorageUnusable: it did not succeed.
    """
    with _told():
        return migrate.migrate_down(place.owner_url, steps=steps)


def states(place: Storage) -> list[SchemaState]:
    """Return where each migration stands.

    Raises:
        StorageUnusable: the database cannot be reached.
    """
    with _told():
        return [SchemaState(id=one.id, state=one.standing.value) for one in migrate.status(place.owner_url)]


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except MigrationFailed as error:
        raise StorageUnusable(str(error)) from error
