"""What can go wrong with a statement, told apart once, by SQLSTATE (PostgreSQL manual, appendix A)."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import errors, pq

from chatcore.errors import DatabaseUnavailable

_UNREACHABLE = ("08", "25P04", "57P01", "57P02", "57P03", "57P05", "25006", "0A000")
_OVERBURDENED = ("40001", "40P01", "53", "55P03", "57014", "58", "XX001")
"""By prefix: whole classes, or single codes."""


class Transient(Exception):
    """The statement may succeed when it is repeated; `stale` where another connection is needed for that."""

    def __init__(self, detail: str, *, stale: bool) -> None:
        """Take what the server or the connection said."""
        super().__init__(detail)
        self.stale = stale


class Duplicate(Exception):
    """A unique key is taken: the race was lost to somebody else, or to ourselves earlier."""

    def __init__(self, constraint: str) -> None:
        """Take the name of the unique constraint or index."""
        super().__init__(constraint)
        self.constraint = constraint


class StatementFault(Exception):
    """The server refuses the statement as it is: a bug, a wrong right, or a schema that was not migrated."""


@contextmanager
def translated() -> Iterator[None]:
    """Have what psycopg raises in the block raised as DatabaseUnavailable, or StatementFault where it is for good."""
    try:
        yield
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        raise DatabaseUnavailable from error
    except psycopg.Error as error:
        raise StatementFault(error.diag.message_primary or str(error)) from error


def failure_of(result: pq.abc.PGresult) -> Transient | Duplicate | StatementFault:
    """Return what a refused statement's result means.

    `0A000` is "cached plan must not change result type", after a migration; a fresh connection has no plans.
    """
    state = _field(result, pq.DiagnosticField.SQLSTATE)
    detail = f"{state}: {_field(result, pq.DiagnosticField.MESSAGE_PRIMARY)}"
    if state == errors.UniqueViolation.sqlstate:
        return Duplicate(_field(result, pq.DiagnosticField.CONSTRAINT_NAME))
    if state.startswith(_UNREACHABLE):
        return Transient(detail, stale=True)
    if state.startswith(_OVERBURDENED):
        return Transient(detail, stale=False)
    return StatementFault(detail)


def _field(result: pq.abc.PGresult, field: pq.DiagnosticField) -> str:
    return (result.error_field(field) or b"").decode(errors="replace")
