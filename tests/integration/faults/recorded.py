"""What is recorded, read past the stores under test by the superuser."""

import asyncio

import psycopg

from tests.databases import Database

TABLES = ("conversation", "turn", "message", "turn_chunk", "model_call")


async def rows(database: Database, owner: str) -> dict[str, int]:
    """Return how many rows of each table an owner has."""
    counts = ", ".join(f"(SELECT count(*) FROM chatcore.{table} WHERE owner = %(owner)s)" for table in TABLES)

    def read() -> dict[str, int]:
        with psycopg.connect(database.superuser_url, autocommit=True) as connection:
            row = connection.execute(f"SELECT {counts}".encode(), {"owner": owner}).fetchone()
        return dict(zip(TABLES, row or (), strict=True))

    return await asyncio.to_thread(read)


def execute(url: str, *statements: str) -> None:
    """Execute statements, each committed by itself."""
    # Also where the database was made read-only by default.
    with psycopg.connect(url, autocommit=True, options="-c default_transaction_read_only=off") as connection:
        for statement in statements:
            connection.execute(statement.encode())
