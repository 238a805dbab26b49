"""Deletes old audit entries, as the schema's owner: the serving role may not delete any."""

from collections.abc import Callable
from datetime import timedelta

import psycopg

from adapters.postgres.failures import translated
from adapters.postgres.schema_source import statement

_AT_ONCE = 5_000
"""Entries that one statement deletes."""


class PruningRefused(Exception):
    """The role that asked does not own the audit log; says which."""


def prune(url: str, age: timedelta, progress: Callable[[int], None], at_once: int = _AT_ONCE) -> int:
    """Delete the entries that are older than that by the database's clock, and return how many there were.

    A statement deletes `at_once` of one owner at most and is its own transaction, so that nobody waits for it;
    after each, `progress` is told how many have gone so far.

    Raises:
        DatabaseUnavailable: it could not be reached; some may be deleted.
        PruningRefused: the role does not own the audit log.
        StatementFault: the schema is not there.
    """
    with translated(), psycopg.connect(url, autocommit=True, prepare_threshold=None) as session:
        return _pruned(session, age, progress, at_once)


def _pruned(
    session: "psycopg.Connection[tuple[object, ...]]",
    age: timedelta,
    progress: Callable[[int], None],
    at_once: int,
) -> int:
    if session.execute(statement("audit/prunable")).fetchone() != (True,):
        raise PruningRefused(f"the role {session.info.user} may not delete audit entries")
    total = 0
    delete = statement("audit/prune")
    for (owner,) in session.execute(statement("audit/owners"), {"age": age}).fetchall():
        gone = at_once
        while gone == at_once:
            ((gone,),) = session.execute(delete, {"owner": owner, "age": age, "most": at_once}).fetchall()  # type: ignore[assignment]  # the function returns an integer
            total += gone
            progress(total)
    return total
