"""Sweeps away what rates leave behind: rows of subjects whose allowance is whole again mean nothing."""

import asyncio
import logging
from contextlib import suppress

from adapters.postgres.database import Database
from adapters.postgres.failures import StatementFault
from adapters.postgres.schema_source import statement
from chatcore.errors import DatabaseUnavailable

_log = logging.getLogger(__name__)
_EVERY = 1000
"""Questions between two sweeps; a sweep reads the table once, so each question pays for a thousandth of that."""


class Sweep:
    """Sweeps after every so many questions, beside them; while nobody asks, nothing is done."""

    def __init__(self, database: Database, every: int = _EVERY) -> None:
        """Take the database, and after how many questions it is swept."""
        self._database = database
        self._sweep = statement("turns/sweep_rates")
        self._every = every
        self._counted = 0
        self._task: asyncio.Task[None] | None = None

    def count(self) -> None:
        """Count a question, and sweep where it is time."""
        self._counted += 1
        if self._counted >= self._every and (self._task is None or self._task.done()):
            self._counted = 0
            self._task = asyncio.create_task(self._swept())

    async def _swept(self) -> None:
        # Whoever holds a row, or the database being away, is a reason to do it another time; a refusal is told
        # here, since nobody waits for this task.
        with suppress(DatabaseUnavailable):
            try:
                await self._database.call(self._sweep)
            except StatementFault as fault:
                _log.warning("rates are not swept: %s", fault)
