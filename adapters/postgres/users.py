"""Exports and imports everything of one user, as the serving role, bound by row-level security."""

from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from itertools import groupby
from typing import Final, TypeVar
from uuid import UUID

import msgspec
import psycopg
from psycopg import IsolationLevel
from psycopg.rows import class_row

from adapters.postgres.exported import (
    VERSION,
    CallRecord,
    ChunkRecord,
    ConversationRecord,
    Header,
    MessageRecord,
    Record,
    Seal,
    TurnRecord,
    User,
    decoded,
)
from adapters.postgres.failures import translated
from adapters.postgres.schema_source import statement
from chatcore.ports.user_store import (
    Progress,
    UnreadableExport,
    UserExists,
    UserNotFound,
    UserStore,
    no_progress,
)

_Connection = psycopg.AsyncConnection[tuple[object, ...]]
_R = TypeVar("_R", bound=Record)
_PAGE = 100
"""Records in memory at once; a message may be long."""
_KINDS: Final[Mapping[type[Record], str]] = {
    User: "user",
    ConversationRecord: "conversation",
    TurnRecord: "turn",
    MessageRecord: "message",
    ChunkRecord: "chunk",
    CallRecord: "call",
}
"""In an order in which nothing comes before what it belongs to."""
_BEFORE_ALL: Final[Mapping[str, object]] = {
    "id": UUID(int=0),
    "conversation_id": UUID(int=0),
    "turn_id": UUID(int=0),
    "number": 0,
    "position": 0,
    "attempt": 0,
    "ends_at": 0,
    "ordinal": -1,
}


class PostgresUserStore(UserStore):
    """Opens a connection of its own for each operation, since one may take long."""

    def __init__(self, url: str) -> None:
        """Take the serving role's URL."""
        self._url = url

    async def export(self, owner: str, progress: Progress = no_progress) -> AsyncGenerator[bytes, None]:
        """Yield a user's data as of one instant, line by line."""
        async with self._as_owner(owner, snapshot=True) as connection:
            await _check_known(connection, owner)
            yield msgspec.json.encode(Header(version=VERSION, owner=owner))
            seal, lines = Seal(), 1
            async with aclosing(_records(connection, owner)) as records:
                async for record in records:
                    line = msgspec.json.encode(record)
                    seal.add(line)
                    yield line
                    lines += 1
                    if lines % _PAGE == 0:
                        progress(lines)
            yield msgspec.json.encode(seal.end())
            progress(lines + 1)

    async def import_(self, owner: str, lines: AsyncIterable[bytes], progress: Progress = no_progress) -> int:
        """Record an export as this user's data, all or nothing."""
        async with self._as_owner(owner, snapshot=False) as connection:
            number = 0
            async for batch in _batches(decoded(lines)):
                await _insert(connection, owner, batch, first=number + 1)
                number += len(batch)
                progress(number)
            cursor = await connection.execute(statement("users/import_check"), {"owner": owner})
            if wrong := await cursor.fetchone():
                raise UnreadableExport(f"it holds {wrong[0]}")
            return number

    @asynccontextmanager
    async def _as_owner(self, owner: str, *, snapshot: bool) -> AsyncIterator[_Connection]:
        """Open a transaction in which only this owner's rows exist."""
        with translated():
            async with await psycopg.AsyncConnection.connect(self._url, prepare_threshold=None) as connection:
                if snapshot:
                    await connection.set_isolation_level(IsolationLevel.REPEATABLE_READ)
                    await connection.set_read_only(True)
                await connection.execute("SELECT set_config('chatcore.owner', %s, true)", (owner,))
                await connection.execute("SET LOCAL timezone = 'UTC'")
                yield connection


async def _check_known(connection: _Connection, owner: str) -> None:
    cursor = await connection.execute(statement("users/exists"), {"owner": owner})
    if await cursor.fetchone() is None:
        raise UserNotFound(owner)


async def _records(connection: _Connection, owner: str) -> AsyncGenerator[Record, None]:
    for kind, name in _KINDS.items():
        async with aclosing(_pages(connection, owner, kind, statement(f"users/export_{name}"))) as pages:
            async for page in pages:
                for record in page:
                    yield record


async def _pages(
    connection: _Connection, owner: str, kind: type[_R], query: bytes
) -> AsyncGenerator[list[_R], None]:
    async with connection.cursor(row_factory=class_row(kind)) as cursor:
        after = dict(_BEFORE_ALL)
        while True:
            await cursor.execute(query, {**after, "owner": owner, "page": _PAGE})
            page = await cursor.fetchall()
            if page:
                yield page
            if len(page) < _PAGE:
                break
            after = msgspec.structs.asdict(page[-1])


async def _insert(connection: _Connection, owner: str, batch: Sequence[Record], *, first: int) -> None:
    try:
        async with connection.cursor() as cursor:
            for kind, records in groupby(batch, type):
                rows = [{**msgspec.structs.asdict(record), "owner": owner} for record in records]
                await cursor.executemany(statement(f"users/import_{_KINDS[kind]}"), rows)
    except (psycopg.IntegrityError, psycopg.DataError) as error:
        if error.diag.constraint_name == "app_user_pkey":
            raise UserExists(owner) from error
        where = f"records {first} to {first + len(batch) - 1}"
        raise UnreadableExport(f"{where}: {error.diag.message_primary or error}") from error


async def _batches(records: AsyncIterable[Record]) -> AsyncIterator[list[Record]]:
    batch: list[Record] = []
    async for record in records:
        batch.append(record)
        if len(batch) == _PAGE:
            yield batch
            batch = []
    yield batch
