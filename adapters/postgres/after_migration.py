"""What follows a migration: the functions are installed, and the serving role is granted its rights."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import sql

from adapters.postgres.schema_source import SchemaSource, statement

Session = psycopg.Connection[tuple[object, ...]]


@contextmanager
def named(where: str) -> Iterator[None]:
    """Note on an error of the database where it happened."""
    try:
        yield
    except psycopg.Error as error:
        error.add_note(where)
        raise


def install_functions(session: Session, source: SchemaSource) -> None:
    """Install the functions of a source, and drop those of earlier ones that it has no more.

    Raises:
        psycopg.Error: nothing is changed.
    """
    digest = source.functions_sha256()
    session.execute(statement("migrate/functions_guard"))
    if session.execute(statement("migrate/functions_installed")).fetchone() == (digest,):
        return
    try:
        _replace_functions(session, source, digest, afresh=False)
    except psycopg.errors.InvalidFunctionDefinition:
        # A function's result cannot be replaced by another type.
        _replace_functions(session, source, digest, afresh=True)


def remove_functions(session: Session) -> None:
    """Drop every function that was ever installed."""
    with session.transaction():
        session.execute(statement("migrate/functions_drop"))
        session.execute("DELETE FROM chatcore_migration.functions")


def grant(session: Session, app_role: str) -> bool:
    """Grant a role exactly what serving needs, and return whether there is such a role."""
    if session.execute("SELECT FROM pg_roles WHERE rolname = %s", (app_role,)).fetchone() is None:
        return False
    grants = sql.SQL(statement("migrate/grants").decode()).format(role=sql.Identifier(app_role))
    with session.transaction():
        session.execute(grants)
    return True


def _replace_functions(session: Session, source: SchemaSource, digest: str, *, afresh: bool) -> None:
    with session.transaction():
        session.execute("SET LOCAL search_path = ''")
        if afresh:
            session.execute(statement("migrate/functions_drop"))
        for file in source.function_files():
            with named(file.name):
                session.execute(file.read_bytes())
        session.execute(statement("migrate/functions_drop"))
        session.execute(statement("migrate/functions_record"), {"sha256": digest})
        session.execute(statement("migrate/functions_guard"))
