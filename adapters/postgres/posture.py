"""Finds what would let one user's rows reach another: in the role that serves, and in the tables it reads.

Row-level security binds neither a superuser, nor a role with BYPASSRLS, nor, unless it is forced, a table's
owner. The tables are found in the catalogue, so that one which is added later is held to the same.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import psycopg
from psycopg.rows import class_row

from adapters.postgres.schema_source import statement
from chatcore.errors import DatabaseUnavailable

_BARE_ROLE = (
    "CREATE ROLE chatcore_app LOGIN PASSWORD '<a long random one>';"
    " -- name it in DATABASE_URL, the owner in DATABASE_URL_UNPOOLED, and run: chatcore migrate up"
)
# A role made in Neon's console is a member of neon_superuser, which has BYPASSRLS; one made by SQL is bare.
_ON_NEON = f"{_BARE_ROLE} (by SQL: roles made in Neon's console have BYPASSRLS)"
_IDENTITY = "owner = current_setting('chatcore.owner', true)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What is wrong, and the SQL that mends it, to be run as the owner or a superuser."""

    what: str
    mend: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Role:
    name: str
    ourselves: bool
    superuser: bool
    bypassing: bool
    granting: bool
    outside: bool
    owning: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Table:
    name: str
    enabled: bool
    forced: bool
    policed: bool
    open_policies: list[str] | None
    public: bool


def faults(url: str) -> list[Fault]:
    """Return what is wrong with a database and the role that a URL names; [] where isolation holds.

    Raises:
        DatabaseUnavailable: the database cannot be reached.
    """
    try:
        with psycopg.connect(url, autocommit=True, prepare_threshold=None) as connection:
            return faults_seen_by(connection)
    except psycopg.Error as error:
        raise DatabaseUnavailable from error


def faults_seen_by(connection: psycopg.Connection[tuple[object, ...]]) -> list[Fault]:
    """Return the same through a connection that is open already.

    Raises:
        psycopg.Error: the connection is of no use.
    """
    neon = connection.execute("SELECT FROM pg_roles WHERE rolname = 'neon_superuser'").fetchone() is not None
    with connection.cursor(row_factory=class_row(_Role)) as cursor:
        roles = cursor.execute(statement("posture/role")).fetchall()
    with connection.cursor(row_factory=class_row(_Table)) as cursor:
        tables = cursor.execute(statement("posture/tables")).fetchall()
    with connection.cursor(row_factory=class_row(Fault)) as cursor:
        detours = cursor.execute(statement("posture/detours")).fetchall()
    of_roles = [fault for role in roles for fault in _of_role(role, roles[0], neon=neon)]
    return of_roles + [fault for table in tables for fault in _of_table(table)] + detours


def _of_role(role: _Role, us: _Role, *, neon: bool) -> Iterator[Fault]:
    if role.ourselves:
        mend = _ON_NEON if neon else _BARE_ROLE
        who = f"the serving role {role.name}"
    else:
        mend = f'REVOKE "{role.name}" FROM "{us.name}";'
        if neon:
            mend = _ON_NEON
        who = f"the serving role {us.name} may become {role.name}, which"
    powers = {
        "is a superuser": role.superuser,
        "has BYPASSRLS": role.bypassing,
        "owns tables of chatcore": role.owning,
        "may grant itself any role (CREATEROLE)": role.granting,
        "may leave the database (files or programs of its server)": role.outside,
    }
    for power, has_it in powers.items():
        if has_it:
            yield Fault(what=f"{who} {power}", mend=mend)


def _of_table(table: _Table) -> Iterator[Fault]:
    name = table.name
    if not table.enabled:
        mend = f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY;"
        yield Fault(what=f"{name} has no row-level security", mend=mend)
    if not table.forced:
        mend = f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY;"
        yield Fault(what=f"{name} does not force row-level security on its owner", mend=mend)
    if not table.policed:
        mend = f"CREATE POLICY own_rows ON {name} USING ({_IDENTITY}) WITH CHECK ({_IDENTITY});"
        yield Fault(what=f"{name} has no policy", mend=mend)
    for policy in table.open_policies or ():
        mend = f'DROP POLICY "{policy}" ON {name};'
        yield Fault(what=f"policy {policy} on {name} does not ask whose the rows are", mend=mend)
    if table.public:
        yield Fault(what=f"everybody has rights on {name}", mend=f"REVOKE ALL ON {name} FROM PUBLIC;")
