"""Migrations go forward and back under a server that goes on serving, without one error."""

import asyncio
import shutil
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from adapters.postgres.migrate import migrate_down, migrate_up, pending
from adapters.postgres.schema_source import SchemaSource, shipped
from chatcore.ports.turn_store import Opened
from tests.contract.stores import PostgresStores, postgres_stores
from tests.contract.turns import ANSWER, opening
from tests.databases import Database

pytestmark = pytest.mark.anyio
_ROUNDS = 3
_NEXT_RELEASE = {
    "9000.column.sql": "ALTER TABLE chatcore.turn ADD rating integer;\n"
    "ALTER TABLE chatcore.conversation ADD pinned boolean NOT NULL DEFAULT false;",
    "9000.column.rollback.sql": "ALTER TABLE chatcore.turn DROP rating;\n"
    "ALTER TABLE chatcore.conversation DROP pinned;",
    "9001.index.sql": "-- transactional: false\n"
    "CREATE INDEX CONCURRENTLY turn_rating ON chatcore.turn (owner, rating);",
    "9001.index.rollback.sql": "-- transactional: false\nDROP INDEX CONCURRENTLY chatcore.turn_rating;",
}


def next_release(folder: Path) -> SchemaSource:
    """Return the schema of a version to come: a column, an index and a function more."""
    source = SchemaSource(migrations=folder / "migrations", functions=folder / "functions")
    shutil.copytree(shipped().migrations, source.migrations)
    shutil.copytree(shipped().functions, source.functions)
    for name, text in _NEXT_RELEASE.items():
        (source.migrations / name).write_text(text)
    (source.functions / "99_rate.sql").write_text(
        "CREATE OR REPLACE FUNCTION chatcore.rate() RETURNS integer RETURN 1;"
    )
    return source


async def talk(stores: PostgresStores, owner: str, stop: asyncio.Event) -> int:
    """Record turns in one conversation until told to stop, and return how many."""
    conversation: UUID | None = None
    turns = 0
    while not stop.is_set():
        new = opening(conversation, owner=owner, key=str(uuid4()))
        conversation = new.conversation_id
        opened = await stores.turns.begin(new)
        assert isinstance(opened, Opened)
        await stores.turns.checkpoint(opened.lease, "An ", 3)
        await stores.turns.finish(opened.lease, ANSWER, ())
        page = await stores.conversations.messages(owner, conversation, limit=2, before=None, replaced=False)
        assert [message.content for message in page.entries][-1] == ANSWER.text
        turns += 1
    return turns


async def test_a_server_notices_nothing_of_migrations_up_and_down(database: Database, tmp_path: Path) -> None:
    newer = next_release(tmp_path)
    stop = asyncio.Event()
    async with postgres_stores(database.app_url, database.superuser_url) as stores:
        talks = [asyncio.create_task(talk(stores, f"user{number}", stop)) for number in range(4)]
        try:
            for _ in range(_ROUNDS):
                done = await asyncio.to_thread(migrate_up, database.owner_url, database.app, source=newer)
                assert done == ["9000.column", "9001.index"]
                # The older version sees nothing that it lacks, and neither does the newer one.
                assert pending(database.app_url) == pending(database.app_url, source=newer) == []
                undone = await asyncio.to_thread(migrate_down, database.owner_url, steps=2, source=newer)
                assert undone == ["9001.index", "9000.column"]
                await asyncio.to_thread(migrate_up, database.owner_url, database.app)
        finally:
            stop.set()
            counts = await asyncio.gather(*talks)
        assert min(counts) > 0
        for number, count in enumerate(counts):
            rows = await stores.rows(f"user{number}")
            assert (rows["turn"], rows["message"], rows["turn_chunk"]) == (count, 2 * count, 0)
