"""Sets up a database with an owner and a serving role of its own on a server where we are superuser."""

from contextlib import suppress
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
from psycopg import sql

from adapters.postgres.after_migration import Session
from adapters.postgres.migrate import MigrationFailed, migrate_up, pending


def prepare_embedded(superuser_url: str) -> tuple[str, str]:
    """Return the URLs of the owner and of the serving role of database `chatcore`, made if need be.

    Cheap when everything is there already: one connection and one query.

    Raises:
        MigrationFailed: the database cannot be reached, set up or migrated.
    """
    return prepare(superuser_url, database="chatcore", owner="chatcore_owner", app="chatcore_app")


def prepare(superuser_url: str, *, database: str, owner: str, app: str, password: str = "") -> tuple[str, str]:
    """Return the URLs of the owner and of the serving role of a database, made and migrated if need be.

    Both roles may log in, with `password` where it is given; neither is a superuser or passes by row-level
    security, and the serving role owns nothing.

    Raises:
        MigrationFailed: the database cannot be reached, set up or migrated.
    """
    owner_url = as_role(superuser_url, owner, password, database)
    app_url = as_role(superuser_url, app, password, database)
    if not _complete(app_url):
        _create(superuser_url, database, owner, app, password)
        migrate_up(owner_url, app)
    return owner_url, app_url


def as_role(url: str, user: str, password: str, database: str) -> str:
    """Return a database URL with another user and database in it."""
    parts = urlsplit(url)
    server = parts.netloc.rpartition("@")[2]
    login = quote(user, safe="") + (f":{quote(password, safe='')}" if password else "")
    return urlunsplit((parts.scheme, f"{login}@{server}", f"/{quote(database, safe='')}", parts.query, ""))


def _complete(app_url: str) -> bool:
    # Only a serving role that was granted its rights can see that nothing is pending.
    try:
        return not pending(app_url)
    except MigrationFailed:
        return False


def _create(superuser_url: str, database: str, owner: str, app: str, password: str) -> None:
    try:
        with psycopg.connect(superuser_url, autocommit=True) as connection:
            for role in (owner, app):
                _create_role(connection, role, password)
            _create_database(connection, database, owner, app)
    except psycopg.Error as error:
        raise MigrationFailed(str(error).strip()) from error


def _create_role(connection: Session, role: str, password: str) -> None:
    login = sql.SQL("LOGIN PASSWORD {}").format(password) if password else sql.SQL("LOGIN")
    attributes = sql.SQL("NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOREPLICATION {}").format(login)
    try:
        connection.execute(sql.SQL("CREATE ROLE {} {}").format(sql.Identifier(role), attributes))
    except (psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation):
        connection.execute(sql.SQL("ALTER ROLE {} {}").format(sql.Identifier(role), attributes))


def _create_database(connection: Session, database: str, owner: str, app: str) -> None:
    names = {"database": sql.Identifier(database), "owner": sql.Identifier(owner), "app": sql.Identifier(app)}
    with suppress(psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
        connection.execute(sql.SQL("CREATE DATABASE {database} OWNER {owner}").format(**names))
    connection.execute(sql.SQL("REVOKE ALL ON DATABASE {database} FROM PUBLIC").format(**names))
    connection.execute(sql.SQL("GRANT CONNECT ON DATABASE {database} TO {app}").format(**names))
