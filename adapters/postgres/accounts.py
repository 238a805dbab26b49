"""Users as a whole in PostgreSQL."""

from datetime import date
from typing import cast

from adapters.postgres.database import Database
from adapters.postgres.schema_source import statement
from chatcore.ports.account_store import AccountStore
from chatcore.spending import DAYS, DaysCalls, Spending

_Facts = tuple[date, int, int, date | None, int, int, int, int]
_AT_ONCE = 20
"""Conversations that one statement erases: few enough that it ends in time when each of them is long."""


class PostgresAccountStore(AccountStore):
    """Knows users by their rows in PostgreSQL."""

    def __init__(self, database: Database) -> None:
        """Take an opened database, or one that will be open before the first call."""
        self._database = database
        self._erase = statement("accounts/erase")
        self._knows = statement("accounts/knows")
        self._usage = statement("accounts/usage")

    async def erase(self, owner: str) -> bool:
        """Forget everything of a user; see the port."""
        # Asked first: where the answer to the last deletion is lost, its repetition finds nothing.
        ((erased,),) = await self._database.call_for(owner, self._knows)
        more = True
        while more:
            ((anything, further),) = await self._database.call_for(owner, self._erase, _AT_ONCE)
            erased, more = erased or anything, bool(further)
        return bool(erased)

    async def usage(self, owner: str) -> Spending:
        """Return what a user has spent; see the port."""
        rows = await self._told(owner)
        while rows[0][-1]:
            rows = await self._told(owner)
        today, counted, reserved, *_ = rows[0]
        return Spending(
            today=today,
            counted=counted,
            reserved=reserved,
            days=tuple(
                DaysCalls(day=day, calls=calls, input_tokens=asked, output_tokens=said)
                for _, _, _, day, calls, asked, said, _ in rows
                if day is not None
            ),
        )

    async def _told(self, owner: str) -> list[_Facts]:
        return cast("list[_Facts]", await self._database.call_for(owner, self._usage, DAYS))
