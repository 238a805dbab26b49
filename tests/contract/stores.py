"""The stores under test, with what a test may do to them that no caller can."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

import psycopg

from adapters.memory.accounts import MemoryAccountStore
from adapters.memory.api_keys import MemoryApiKeyStore
from adapters.memory.conversation_store import MemoryConversationStore
from adapters.memory.state import MemoryState
from adapters.memory.turn_store import MemoryTurnStore
from adapters.postgres.accounts import PostgresAccountStore
from adapters.postgres.api_keys import PostgresApiKeyStore
from adapters.postgres.conversation_store import PostgresConversationStore
from adapters.postgres.database import Database
from adapters.postgres.turn_store import PostgresTurnStore
from chatcore.ports.account_store import AccountStore
from chatcore.ports.api_key_store import ApiKeyStore
from chatcore.ports.conversation_store import ConversationStore
from chatcore.ports.turn_store import TurnStore

LedgerLine = tuple[int, int, int, bool, str]


class Stores(Protocol):
    """The stores, which see the same."""

    turns: TurnStore
    conversations: ConversationStore
    keys: ApiKeyStore
    accounts: AccountStore

    async def let_lease_expire(self, owner: str, turn_id: UUID) -> None:
        """Make it so late that a turn's lease has run out."""

    async def lease_left(self, owner: str, turn_id: UUID) -> float:
        """Return for how many seconds a turn's lease still holds."""

    async def rows(self, owner: str) -> dict[str, int]:
        """Return how many users, conversations, turns, messages, pieces and model calls are stored."""

    async def let_rate_recover(self, subject: str, seconds: float) -> None:
        """Make it so many seconds later for a subject's rate."""

    async def let_calls_age(self, owner: str, days: int) -> None:
        """Make the calls of an owner's ledger so many days older."""

    async def tokens_today(self, owner: str) -> tuple[int, int]:
        """Return what is reserved and what is spent of today's tokens."""

    async def ledger(self, owner: str) -> list[LedgerLine]:
        """Return attempt, tokens in and out, whether they are estimated, and outcome of each call, in order."""


class MemoryStores(Stores):
    def __init__(self) -> None:
        self._later = timedelta()
        self._state = MemoryState(lambda: datetime.now(UTC) + self._later)
        self.turns = MemoryTurnStore(self._state)
        self.conversations = MemoryConversationStore(self._state)
        keys = MemoryApiKeyStore()
        self.keys = keys
        self.accounts = MemoryAccountStore(self._state, keys)

    async def let_lease_expire(self, owner: str, turn_id: UUID) -> None:
        # The other turns' leases do not run out with it.
        self._state.of(owner).turns[turn_id].lease_until = self._state.clock() - timedelta(seconds=1)

    async def lease_left(self, owner: str, turn_id: UUID) -> float:
        return (self._state.of(owner).turns[turn_id].lease_until - self._state.clock()).total_seconds()

    async def rows(self, owner: str) -> dict[str, int]:
        mine = self._state.of(owner)
        turns = mine.turns.values()
        return {
            "conversation": len(mine.conversations),
            "turn": len(turns),
            "message": len(turns) + sum(turn.reply is not None for turn in turns),
            "turn_chunk": sum(len(turn.pieces) for turn in turns),
            "model_call": len(mine.account.ledger),
        }

    async def let_rate_recover(self, subject: str, seconds: float) -> None:
        self._state.rates.whole_at[subject] -= timedelta(seconds=seconds)

    async def let_calls_age(self, owner: str, days: int) -> None:
        ledger = self._state.of(owner).account.ledger
        for place, row in ledger.items():
            ledger[place] = replace(row, at=row.at - timedelta(days=days))

    async def tokens_today(self, owner: str) -> tuple[int, int]:
        day = self._state.of(owner).account.days.get(self._state.clock().date())
        return (0, 0) if day is None else (day.reserved, day.spent)

    async def ledger(self, owner: str) -> list[LedgerLine]:
        return [
            (attempt, use.input_tokens, use.output_tokens, use.estimated, row.call.outcome)
            for (_, attempt, _), row in sorted(self._state.of(owner).account.ledger.items())
            for use in [row.call.usage]
        ]


class PostgresStores(Stores):
    def __init__(
        self, database: Database, superuser: "psycopg.Connection[tuple[Any, ...]]", superuser_url: str
    ) -> None:
        self.superuser_url = superuser_url
        self.turns = PostgresTurnStore(database)
        self.conversations = PostgresConversationStore(database)
        self.keys = PostgresApiKeyStore(database)
        self.accounts = PostgresAccountStore(database)
        self._superuser = superuser

    async def let_lease_expire(self, owner: str, turn_id: UUID) -> None:
        self._superuser.execute(
            "UPDATE chatcore.turn SET lease_until = clock_timestamp() - interval '1 s' WHERE owner = %s AND id = %s",
            (owner, turn_id),
        )
        # Just after its start the server forgives; once per test run that has to be waited for.
        (age,) = self._one("SELECT extract(epoch FROM clock_timestamp() - pg_postmaster_start_time())::float8")
        await asyncio.sleep(max(0.0, 5.1 - age))

    async def lease_left(self, owner: str, turn_id: UUID) -> float:
        (seconds,) = self._one(
            "SELECT extract(epoch FROM lease_until - clock_timestamp())::float8 FROM chatcore.turn"
            " WHERE owner = %s AND id = %s",
            owner,
            turn_id,
        )
        return float(seconds)

    async def rows(self, owner: str) -> dict[str, int]:
        tables = ("conversation", "turn", "message", "turn_chunk", "model_call")
        counts = ", ".join(
            f"(SELECT count(*) FROM chatcore.{table} WHERE owner = %(owner)s)" for table in tables
        )
        row = self._superuser.execute(f"SELECT {counts}", {"owner": owner}).fetchone()
        assert row is not None
        return dict(zip(tables, map(int, row), strict=True))

    async def let_rate_recover(self, subject: str, seconds: float) -> None:
        self._superuser.execute(
            "UPDATE chatcore.rate_bucket SET whole_at = whole_at - %s * interval '1 s' WHERE owner = %s",
            (seconds, subject),
        )

    async def let_calls_age(self, owner: str, days: int) -> None:
        self._superuser.execute(
            "UPDATE chatcore.model_call SET created_at = created_at - %s * interval '1 day' WHERE owner = %s",
            (days, owner),
        )

    async def tokens_today(self, owner: str) -> tuple[int, int]:
        row = self._superuser.execute(
            "SELECT reserved, spent FROM chatcore.token_day"
            " WHERE owner = %s AND day = (clock_timestamp() AT TIME ZONE 'UTC')::date",
            (owner,),
        ).fetchone()
        return (0, 0) if row is None else (int(row[0]), int(row[1]))

    async def ledger(self, owner: str) -> list[LedgerLine]:
        rows = self._superuser.execute(
            "SELECT attempt, input_tokens, output_tokens, estimated, outcome FROM chatcore.model_call"
            " WHERE owner = %s ORDER BY turn_id, attempt, ordinal",
            (owner,),
        ).fetchall()
        return [(row[0], row[1], row[2], row[3], row[4]) for row in rows]

    def _one(self, statement: str, *parameters: object) -> tuple[Any, ...]:
        row = self._superuser.execute(statement, parameters).fetchone()
        assert row is not None
        return row


@asynccontextmanager
async def postgres_stores(
    app_url: str, superuser_url: str, *, prepare: bool = True
) -> AsyncIterator[PostgresStores]:
    """Yield stores of a migrated database, used as its serving role."""
    # One owner has a third of these at a time, and races need four.
    database = Database(app_url, max_size=12, prepare=prepare)
    await database.open()
    try:
        with psycopg.connect(superuser_url, autocommit=True) as superuser:
            yield PostgresStores(database, superuser, superuser_url)
    finally:
        await database.close()
