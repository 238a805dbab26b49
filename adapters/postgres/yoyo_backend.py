"""yoyo's backend for PostgreSQL, made safe against migrators that are killed or run at the same time.

yoyo by itself applies a migration on one connection and records it on another, so one that is killed in
between leaves a migration that is applied and not recorded; and its lock is a row, which the killed one
leaves behind as well. Here one connection does everything: the migration and its record are one
transaction, and the lock is an advisory one that the server gives back when the connection ends.
"""

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg
from yoyo.backends.core.postgresql import PostgresqlPsycopgBackend  # type: ignore[import-untyped]
from yoyo.connections import DatabaseURI  # type: ignore[import-untyped]
from yoyo.migrations import Migration, MigrationList  # type: ignore[import-untyped]

from adapters.postgres.schema_source import SchemaSource, statement

_TABLE = "_yoyo_migration"
_PATIENCE = 600.0
_IMPATIENT = "SET lock_timeout = '1s'"
_IN_USE = (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected)
_LOCK = "SELECT pg_try_advisory_lock(hashtextextended('chatcore.migrate', 0))"
_UNLOCK = "SELECT pg_advisory_unlock(hashtextextended('chatcore.migrate', 0))"


class MigratorBusy(Exception):
    """Another migrator has been at work for so long that waiting is pointless."""


class Backend(PostgresqlPsycopgBackend):  # type: ignore[misc]  # yoyo has no types
    """One connection that migrates."""

    def __init__(self, url: str, source: SchemaSource, patience: float) -> None:
        """Connect; `patience` is for how many seconds a migration is tried again while tables are in use.

        Raises:
            psycopg.Error: there is no connecting.
        """
        self._url = url
        self._source = source
        self._patience = patience
        self._holds_lock = False
        super().__init__(DatabaseURI("postgresql+psycopg", None, None, None, None, "", {}), _TABLE)

    @property
    def session(self) -> "psycopg.Connection[tuple[object, ...]]":
        """The connection, in autocommit."""
        connection: psycopg.Connection[tuple[object, ...]] = self.connection
        return connection

    def connect(self, dburi: object) -> "psycopg.Connection[tuple[object, ...]]":
        """Return a connection by libpq's own reading of the URL, which knows more forms than yoyo's."""
        del dburi
        return psycopg.connect(
            self._url, autocommit=True, prepare_threshold=None, application_name="chatcore migrate"
        )

    def init_connection(self, connection: "psycopg.Connection[tuple[object, ...]]") -> None:
        """Point unqualified names at yoyo's own tables; migrations qualify theirs."""
        connection.execute("SET search_path = chatcore_migration")
        connection.execute("SET statement_timeout = 0")
        # A migration that waits for a lock has everybody else wait behind it.
        connection.execute(_IMPATIENT)
        # Else a statement outlives a migrator that was killed, and so does its lock. Not every system can.
        with suppress(psycopg.Error):
            connection.execute("SET client_connection_check_interval = '1s'")

    @contextmanager
    def lock(self, timeout: float = _PATIENCE) -> Iterator[None]:
        """Keep every other migrator of this database out, waiting `timeout` seconds for one at work.

        Raises:
            MigratorBusy: the wait was in vain.
        """
        if self._holds_lock:
            yield
            return
        self._take_lock(time.monotonic() + timeout)
        self._holds_lock = True
        try:
            yield
        finally:
            self._holds_lock = False
            self.session.execute(_UNLOCK)

    def _take_lock(self, deadline: float) -> None:
        # Asked for again and again: CREATE INDEX CONCURRENTLY waits for every running statement, so it and
        # a statement that waits for its migrator's lock would wait for each other.
        while self.session.execute(_LOCK).fetchone() != (True,):
            if time.monotonic() > deadline:
                raise MigratorBusy
            time.sleep(0.1)

    def all_migrations(self) -> MigrationList:
        """Return every migration of the source."""
        source = self._source
        return MigrationList(
            [
                Migration(id_, str(source.migration_file(id_)), str(source.migrations))
                for id_ in source.migration_ids()
            ]
        )

    def apply_one(self, migration: Migration, force: bool = False, mark: bool = True) -> None:  # noqa: FBT001, FBT002 - yoyo's signature
        """Apply a migration and record it in one transaction, where it allows for one."""
        del mark
        self._carry_out(migration, "apply", force=force)

    def rollback_one(self, migration: Migration, force: bool = False) -> None:  # noqa: FBT001, FBT002 - yoyo's signature
        """Roll a migration back and strike its record in one transaction, where it allows for one."""
        self._carry_out(migration, "rollback", force=force)

    def _carry_out(self, migration: Migration, direction: str, *, force: bool) -> None:
        # Serving goes on meanwhile: better to try often and briefly than to have everybody wait once.
        migration.load()
        attempt = self._whole if migration.use_transactions else self._in_parts
        deadline = time.monotonic() + self._patience
        while True:
            try:
                attempt(migration, direction, force=force)
            except _IN_USE:
                if time.monotonic() > deadline:
                    raise
                time.sleep(random.uniform(0.05, 0.5))  # noqa: S311 - chance, no secret
            else:
                return

    def _whole(self, migration: Migration, direction: str, *, force: bool) -> None:
        with self.transaction():
            migration.process_steps(self, direction, force)
            self.execute("SET LOCAL search_path = chatcore_migration")
            self._record(migration, direction)

    def _in_parts(self, migration: Migration, direction: str, *, force: bool) -> None:
        # An index that is built concurrently may wait: it takes no lock that anybody waits for.
        self.session.execute("SET lock_timeout = 0")
        try:
            migration.process_steps(self, direction, force)
        finally:
            self.session.execute(_IMPATIENT)
        with self.transaction():
            self._record(migration, direction)

    def _record(self, migration: Migration, direction: str) -> None:
        self.log_migration(migration, direction)
        if direction == "apply":
            self.mark_one(migration, log=False)
            sha256 = self._source.migration_sha256(migration.id)
            self.session.execute(statement("migrate/file_record"), {"id": migration.id, "sha256": sha256})
        else:
            self.unmark_one(migration, log=False)
            self.session.execute(statement("migrate/file_strike"), {"id": migration.id})
