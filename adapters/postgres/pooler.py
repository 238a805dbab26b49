"""Tells whether a database is reached through a pooler, which gives each transaction another server process."""

import psycopg

from chatcore.errors import DatabaseUnavailable


def is_pooled(url: str) -> bool:
    """Return whether what we connect to is something in front of PostgreSQL.

    A pooler makes up the process id that a client is given to cancel with; the server's own is another one.

    Raises:
        DatabaseUnavailable: the database cannot be reached.
    """
    try:
        with psycopg.connect(url, autocommit=True, prepare_threshold=None) as connection:
            row = connection.execute("SELECT pg_backend_pid()").fetchone()
            return row != (connection.info.backend_pid,)
    except psycopg.Error as error:
        raise DatabaseUnavailable from error
