"""Users as a whole in PostgreSQL."""

from adapters.postgres.database import Database
from adapters.postgres.schema_source import statement
from chatcore.ports.account_store import AccountStore

_AT_ONCE = 20
"""Conversations that one statement erases: few enough that it ends in time when each of them is long."""


class PostgresAccountStore(AccountStore):
    """Knows users by their rows in PostgreSQL."""

    def __init__(self, database: Database) -> None:
        """Take an opened database, or one that will be open before the first call."""
        self._database = database
        self._erase = statement("accounts/erase")

    async def erase(self, owner: str) -> bool:
        """Forget everything of a user; see the port."""
        erased, more = False, True
        while more:
            ((anything, further),) = await self._database.call(self._erase, owner, _AT_ONCE)
            erased, more = erased or bool(anything), bool(further)
        return erased
