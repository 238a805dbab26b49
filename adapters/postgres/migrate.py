"""Brings a database's schema to this program's version and grants its serving role what serving needs.

Migrations are yoyo's, SQL files with a rollback each. After them the functions are installed, then the
rights are granted. Any number of processes may do this at once, and any of them may be killed at any time.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum

import psycopg
from psycopg.conninfo import conninfo_to_dict

from adapters.postgres.after_migration import Session, grant, install_functions, named, remove_functions
from adapters.postgres.schema_source import SchemaSource, shipped, statement
from adapters.postgres.yoyo_backend import Backend, MigratorBusy

_NOTHING_THERE = (
    psycopg.errors.InvalidSchemaName,
    psycopg.errors.UndefinedTable,
    psycopg.errors.InsufficientPrivilege,
)


class MigrationFailed(Exception):
    """The schema could not be brought to where it was wanted; says why, and what to do."""


class Standing(StrEnum):
    """Where a migration stands in a database."""

    APPLIED = "applied"
    PENDING = "pending"
    EDITED = "applied, and its file was edited since"
    UNKNOWN = "applied by another version of chatcore"


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrationState:
    """A migration and where it stands."""

    id: str
    standing: Standing

    @property
    def applied(self) -> bool:
        """Whether the database has it."""
        return self.standing is not Standing.PENDING


def migrate_up(
    owner_url: str, app_role: str | None, *, source: SchemaSource | None = None, patience: float = 60.0
) -> list[str]:
    """Apply what is pending as the schema's owner, and return the ids of what was applied.

    `app_role` is granted exactly what serving needs, and nothing else is left to it; without one, or where
    it is the owner itself, nothing is granted. Each migration is tried again for `patience` seconds while the
    tables that it changes are in use.

    Raises:
        MigrationFailed: nothing of the migration that failed is left behind; those before it stay.
    """
    source = source or shipped()
    with _migrator(owner_url, source, patience) as backend:
        _refuse_edited(_states(_recorded(backend.session), source))
        migrations = backend.to_apply(backend.all_migrations())
        # One by one: yoyo's own loop passes over a file that it cannot read.
        for migration in migrations:
            with named(migration.id):
                backend.apply_one(migration)
        install_functions(backend.session, source)
        _grant(backend.session, app_role)
        return [migration.id for migration in migrations]


def migrate_down(
    owner_url: str, *, steps: int | None = None, source: SchemaSource | None = None, patience: float = 60.0
) -> list[str]:
    """Roll back the newest `steps` migrations, or all, and return the ids of what was rolled back.

    Functions stay where they can, so that a server which runs on them goes on running.

    Raises:
        MigrationFailed: nothing of the migration that failed is changed; those after it are rolled back.
    """
    source = source or shipped()
    with _migrator(owner_url, source, patience) as backend:
        applied = list(backend.to_rollback(backend.all_migrations()))
        chosen = applied if steps is None else applied[:steps]
        if len(chosen) == len(applied):
            remove_functions(backend.session)
        for migration in chosen:
            with named(migration.id):
                _roll_back(backend, migration)
        return [migration.id for migration in chosen]


def status(url: str, *, source: SchemaSource | None = None) -> list[MigrationState]:
    """Return every migration and where it stands, as any role that may read the records.

    Raises:
        MigrationFailed: the database cannot be reached.
    """
    with _told_apart(), psycopg.connect(url, autocommit=True, prepare_threshold=None) as connection:
        return _states(_recorded(connection), source or shipped())


def pending(url: str, *, source: SchemaSource | None = None) -> list[str]:
    """Return what this program misses in a database: ids of migrations, and `functions`; [] when ready.

    To a role that was granted nothing, everything is missing.

    Raises:
        MigrationFailed: the database cannot be reached.
    """
    with _told_apart(), psycopg.connect(url, autocommit=True, prepare_threshold=None) as connection:
        return missing(_recorded(connection), source or shipped())


def missing(rows: list[tuple[object, ...]], source: SchemaSource) -> list[str]:
    """Return what the rows of `migrate/recorded` lack of a source; what they have beyond it is no fault."""
    applied = {id_ for kind, id_, _ in rows if kind == "migration"}
    installed = {sha256 for kind, _, sha256 in rows if kind == "functions"}
    lacking = [id_ for id_ in source.migration_ids() if id_ not in applied]
    return lacking if source.functions_sha256() in installed else [*lacking, "functions"]


def role_of(url: str) -> str | None:
    """Return the role that a database URL names."""
    user = conninfo_to_dict(url).get("user")
    return None if user is None else str(user)


@contextmanager
def _migrator(url: str, source: SchemaSource, patience: float) -> Iterator[Backend]:
    with _told_apart(), Backend(url, source, patience) as backend, backend.lock():
        backend.session.execute(statement("migrate/bookkeeping"))
        backend.ensure_internal_schema_updated()
        yield backend


@contextmanager
def _told_apart() -> Iterator[None]:
    try:
        yield
    except MigratorBusy as error:
        raise MigrationFailed("another migrator has been at work for ten minutes") from error
    except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected) as error:
        raise MigrationFailed(
            "a table was in use for too long; nothing was changed, so run it again when there is less going on"
        ) from error
    except psycopg.errors.InsufficientPrivilege as error:
        raise MigrationFailed(
            f"{error}; migrate as the owner of the database, named in DATABASE_URL_UNPOOLED"
        ) from error
    except psycopg.Error as error:
        raise MigrationFailed(": ".join([*getattr(error, "__notes__", ()), str(error).strip()])) from error


def _recorded(session: Session) -> list[tuple[object, ...]]:
    try:
        return session.execute(statement("migrate/recorded")).fetchall()
    except _NOTHING_THERE:
        return []


def _states(rows: list[tuple[object, ...]], source: SchemaSource) -> list[MigrationState]:
    digests = {str(id_): sha256 for kind, id_, sha256 in rows if kind == "migration"}
    ours = source.migration_ids()
    known = [MigrationState(id=id_, standing=_standing(id_, digests, source)) for id_ in ours]
    foreign = sorted(digests.keys() - set(ours))
    return known + [MigrationState(id=id_, standing=Standing.UNKNOWN) for id_ in foreign]


def _standing(id_: str, digests: dict[str, object], source: SchemaSource) -> Standing:
    if id_ not in digests:
        return Standing.PENDING
    return Standing.APPLIED if digests[id_] == source.migration_sha256(id_) else Standing.EDITED


def _refuse_edited(states: list[MigrationState]) -> None:
    if edited := [state.id for state in states if state.standing is Standing.EDITED]:
        raise MigrationFailed(
            f"{', '.join(edited)}: the file was edited after it was applied; restore it, and write what is to "
            "change as a new migration"
        )


def _roll_back(backend: Backend, migration: object) -> None:
    try:
        backend.rollback_one(migration)
    except psycopg.errors.DependentObjectsStillExist:
        remove_functions(backend.session)
        backend.rollback_one(migration)


def _grant(session: Session, app_role: str | None) -> None:
    if app_role is None or session.info.user == app_role:
        return
    if session.execute("SELECT to_regnamespace('chatcore')").fetchone() == (None,):
        return
    if not grant(session, app_role):
        raise MigrationFailed(f'the serving role does not exist: CREATE ROLE "{app_role}" LOGIN PASSWORD …')
