"""The PostgreSQL that tests run on: one that is named, one in Docker, or the embedded one."""

import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import psycopg
from psycopg import sql

from adapters.embedded import EmbeddedPostgres
from adapters.postgres.provision import as_role, prepare

_IMAGE = "postgres:18-alpine"
_DOCKER_SOCKET = Path("/var/run/docker.sock")


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """A migrated database of one test's own."""

    name: str
    superuser_url: str
    owner_url: str
    app_url: str
    owner: str
    app: str


class Databases:
    """Makes databases on one server, each a copy of a template that was migrated once."""

    def __init__(self, superuser_url: str) -> None:
        self._superuser_url = superuser_url
        self._mark = secrets.token_hex(4)
        self._password = secrets.token_hex(8)
        self._owner = f"chatcore_owner_{self._mark}"
        self._app = f"chatcore_app_{self._mark}"
        self._template = f"chatcore_test_{self._mark}"
        self._numbers = count(1)
        prepare(
            superuser_url,
            database=self._template,
            owner=self._owner,
            app=self._app,
            password=self._password,
        )

    @property
    def superuser_url(self) -> str:
        return self._superuser_url

    @contextmanager
    def fresh(self, *, migrated: bool = True) -> Iterator[Database]:
        """Yield a database that nobody has written to; without `migrated` one that has no schema either."""
        database = self._named(f"{self._template}_{next(self._numbers)}")
        template = self._template if migrated else "template0"
        self._execute("CREATE DATABASE {} TEMPLATE {} OWNER {}", database.name, template, self._owner)
        self._execute("REVOKE ALL ON DATABASE {} FROM PUBLIC", database.name)
        self._execute("GRANT CONNECT ON DATABASE {} TO {}", database.name, self._app)
        try:
            yield database
        finally:
            self._execute("DROP DATABASE {} WITH (FORCE)", database.name)

    def close(self) -> None:
        """Leave nothing on the server."""
        self._execute("DROP DATABASE {} WITH (FORCE)", self._template)
        self._execute("DROP ROLE {}, {}", self._app, self._owner)

    def _named(self, name: str) -> Database:
        parts = psycopg.conninfo.conninfo_to_dict(self._superuser_url)
        superuser, password = str(parts.get("user", "postgres")), str(parts.get("password", ""))
        return Database(
            name=name,
            superuser_url=as_role(self._superuser_url, superuser, password, name),
            owner_url=as_role(self._superuser_url, self._owner, self._password, name),
            app_url=as_role(self._superuser_url, self._app, self._password, name),
            owner=self._owner,
            app=self._app,
        )

    def _execute(self, statement: str, *names: str) -> None:
        with psycopg.connect(self._superuser_url, autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


def choice() -> str:
    """Return which PostgreSQL the tests run on, in words."""
    if "TEST_DATABASE_URL" in os.environ:
        return "TEST_DATABASE_URL"
    return f"Docker ({_IMAGE})" if _docker_answers() else "embedded"


@contextmanager
def databases() -> Iterator[Databases]:
    """Yield databases on a server that runs as long as this is entered."""
    with _server() as superuser_url:
        made = Databases(superuser_url)
        try:
            yield made
        finally:
            made.close()


@contextmanager
def _server() -> Iterator[str]:
    match choice():
        case "TEST_DATABASE_URL":
            yield os.environ["TEST_DATABASE_URL"]
        case "embedded":
            with embedded_server() as superuser_url:
                yield superuser_url
        case _:
            from testcontainers.community.postgres import PostgresContainer  # noqa: PLC0415 - dear, rarely used

            with PostgresContainer(_IMAGE, driver=None) as container:
                yield container.get_connection_url()


@contextmanager
def embedded_server() -> Iterator[str]:
    """Yield the superuser's URL of an embedded server that does without durability."""
    with tempfile.TemporaryDirectory(prefix="chatcore-") as directory:
        server = EmbeddedPostgres(Path(directory), durable=False)
        try:
            yield server.start()
        finally:
            server.stop()


def _docker_answers() -> bool:
    if "DOCKER_HOST" not in os.environ and not _DOCKER_SOCKET.exists():
        return False
    import docker  # type: ignore[import-untyped]  # noqa: PLC0415 - a quarter of a second for those who have none
    import docker.errors  # type: ignore[import-untyped]  # noqa: PLC0415

    try:
        return bool(docker.from_env(timeout=2).ping())
    except docker.errors.DockerException:
        return False
