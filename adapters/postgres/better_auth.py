"""Looks sign-ins up in the tables that Better Auth keeps in a PostgreSQL database, and only reads there."""

import logging
from datetime import UTC, datetime
from typing import cast

from adapters.postgres.database import Database
from adapters.postgres.failures import StatementFault
from adapters.postgres.schema_source import statement
from chatcore.errors import DatabaseUnavailable
from chatcore.ports.sign_in_lookup import SignIn

_log = logging.getLogger(__name__)


class BetterAuthSignIns:
    """A `SignInLookup` in Better Auth's tables, found by the connection's search path."""

    def __init__(self, database: Database) -> None:
        """Take the database that Better Auth writes to, opened before the first call.

        Its role needs no more than `GRANT SELECT ON "session", "user"`.
        """
        self._database = database
        self._sign_in = statement("better_auth/sign_in")

    async def __call__(self, token: str) -> SignIn | None:
        """Return what is recorded of a sign-in by its token.

        Raises:
            DatabaseUnavailable: the database is away, or has no such tables for this role; the log says which.
        """
        try:
            rows = await self._database.call(self._sign_in, token)
        except StatementFault as error:
            _log.error("Better Auth's tables cannot be read: %s", error)
            raise DatabaseUnavailable from error
        if not rows:
            return None
        user_id, expires_at = cast("tuple[str, datetime]", rows[0])
        # Before 1.3 the column had no time zone, and what stood in it was UTC on any sane server.
        zoned = expires_at if expires_at.tzinfo else expires_at.replace(tzinfo=UTC)
        return SignIn(user_id=user_id, expires_at=zoned)
