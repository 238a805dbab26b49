"""Where the database is: the one that the settings name, or an embedded one that lives as long as we do."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

from adapters.embedded import EmbeddedPostgres, EmbeddedPostgresError
from adapters.postgres import migrate, posture
from adapters.postgres.failures import StatementFault
from adapters.postgres.migrate import MigrationFailed
from adapters.postgres.pooler import is_pooled
from adapters.postgres.provision import as_role, prepare_embedded
from chatcore.errors import DatabaseUnavailable
from entrypoints.settings import Settings

_PGBOUNCER_PORT = 6432
_CONNECT_SECONDS = 3
MIGRATE = "chatcore migrate up"
"""What brings a database to this version."""


class StorageUnusable(Exception):
    """The database cannot be used; says why, and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """The URLs of a database's owner, of the role that serves, and of one that sees all rows.

    `revive` is there where the database is embedded: it starts the database again if it died, from the main
    thread only, and returns whether it had.
    """

    owner_url: str
    app_url: str
    all_seeing_url: str
    revive: Callable[[], bool] | None = None

    @property
    def embedded(self) -> bool:
        """Whether the database was started by us."""
        return self.revive is not None

    def pending(self) -> list[str]:
        """Return what the schema lacks.

        Raises:
            StorageUnusable: the database cannot be reached.
        """
        try:
            return migrate.pending(_hurried(self.app_url))
        except MigrationFailed as error:
            raise StorageUnusable(str(error)) from None

    def pooled(self) -> bool:
        """Return whether something stands in front of the database, so that no session can be relied on.

        Raises:
            StorageUnusable: the database cannot be reached.
        """
        try:
            return is_pooled(_hurried(self.app_url))
        except DatabaseUnavailable as error:
            raise StorageUnusable(str(error.__cause__).strip()) from None

    def exposures(self) -> list[str]:
        """Return what would let one user's rows reach another, each with the SQL that mends it.

        Raises:
            StorageUnusable: the database cannot be reached.
        """
        try:
            return [
                f"{fault.what}; mend it with: {fault.mend}" for fault in posture.faults(_hurried(self.app_url))
            ]
        except DatabaseUnavailable as error:
            raise StorageUnusable(str(error.__cause__).strip()) from None


@contextmanager
def storage(settings: Settings) -> Iterator[Storage]:
    """Yield where the database is, which for the embedded one means running, set up and migrated.

    Raises:
        StorageUnusable: the embedded database cannot run, or what is done there is refused by the database.
    """
    try:
        with _running(settings) as place:
            yield place
    except StatementFault as error:
        raise StorageUnusable(f"The database refuses ({error}). Is its schema there? Run: {MIGRATE}") from error


@contextmanager
def _running(settings: Settings) -> Iterator[Storage]:
    if settings.database_url is not None:
        owner_url = settings.database_url_unpooled or settings.database_url
        all_seeing_url = settings.database_url_backup or owner_url
        yield Storage(owner_url=owner_url, app_url=settings.database_url, all_seeing_url=all_seeing_url)
        return
    server = EmbeddedPostgres(settings.data_directory)
    try:
        maintenance_url = server.start()
        owner_url, app_url = prepare_embedded(maintenance_url)
        database = urlsplit(app_url).path.lstrip("/")
        yield Storage(
            owner_url=owner_url,
            app_url=app_url,
            all_seeing_url=as_role(maintenance_url, "postgres", "", database),
            revive=server.restart_if_dead,
        )
    except (EmbeddedPostgresError, MigrationFailed) as error:
        raise StorageUnusable(str(error)) from error
    finally:
        server.stop()


def goes_through_a_pooler(settings: Settings) -> bool:
    """Return whether the database URL looks like a pooler's, judged without connecting.

    Neon's poolers say so in their name, PgBouncer has a port of its own, and whoever names another server
    for migrations has told us that the first one is not the database itself.
    """
    if settings.database_url is None:
        return False
    server = _server(settings.database_url)
    elsewhere = server != _server(settings.database_url_unpooled or settings.database_url)
    return elsewhere or server.endswith(f":{_PGBOUNCER_PORT}") or "-pooler." in server


def _server(url: str) -> str:
    """Return the host and port in a database URL; of several, which libpq takes, Python would read no port."""
    return urlsplit(url).netloc.rpartition("@")[2].lower()


def _hurried(url: str) -> str:
    """Return a database URL that gives up connecting after some seconds, unless it says after how many."""
    parts = urlsplit(url)
    if "connect_timeout=" in parts.query:
        return url
    query = f"{parts.query}&connect_timeout={_CONNECT_SECONDS}".lstrip("&")
    return urlunsplit(parts._replace(query=query))
