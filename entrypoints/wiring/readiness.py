"""Whether requests can be served: is the database there, and does it have the schema of this version."""

from collections.abc import Mapping

from adapters.postgres.database import Database
from adapters.postgres.failures import StatementFault
from adapters.postgres.migrate import missing
from adapters.postgres.schema_source import shipped, statement
from chatcore.errors import DatabaseUnavailable


class Readiness:
    """Finds out what is missing, anew each time: a schema can also be migrated down under a running server."""

    def __init__(self, database: Database) -> None:
        """Take the opened database."""
        self._database = database
        self._recorded = statement("migrate/recorded")
        self._source = shipped()

    async def __call__(self) -> Mapping[str, str]:
        """Return what is not ready and why; empty where requests can be served."""
        try:
            rows = await self._database.call(self._recorded)
        except DatabaseUnavailable:
            return {"database": "does not answer"}
        except StatementFault:
            rows = []
        lacking = missing(rows, self._source)
        return {"schema": "is not of this version; run: chatcore migrate up"} if lacking else {}
