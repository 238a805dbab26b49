"""Gathers audit entries and writes them in batches, so that no request waits for its own.

While nothing is recorded nothing runs. Entries that cannot be written wait until they can; where too many
wait, the newest are lost, which is told. A batch that is refused is halved down to whatever it is refused for,
so that one entry costs nobody else theirs. Nothing of it is ever cancelled: a batch whose answer is lost is
written again, and its ids keep it from being there twice.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from chatcore.audit import AuditEntry
from chatcore.errors import DatabaseUnavailable
from chatcore.ports.audit_log import AuditLog


class Loss(StrEnum):
    """Why an entry is not kept."""

    FULL = "full"
    """Too many waited already."""
    CLOSED = "closed"
    """The process ended while the log could not be reached."""
    FAULTY = "faulty"
    """The log cannot take it, which nobody foresaw."""


Lost = Callable[[Loss, int, Exception | None], None]
"""Told why entries were lost, how many, and the error where it was one that nobody foresaw."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathering:
    """How long entries are gathered, how many make a batch, how many may wait, and the pause after a failure.

    Times in seconds.
    """

    pause: float = 0.2
    batch: int = 200
    room: int = 10_000
    retry: float = 1.0


class Trail:
    """The entries of this process on their way into the audit log."""

    def __init__(self, *, log: AuditLog, lost: Lost, gathering: Gathering | None = None) -> None:
        """Take where entries are kept, and who is told of those that are not. Built closed."""
        self._log = log
        self._lost = lost
        self._gathering = gathering or Gathering()
        self._batch = self._gathering.batch
        self._room = 0
        self._open = False
        self._waiting: list[AuditEntry] = []
        self._recorded = 0
        self._settled = 0
        self._timer: asyncio.TimerHandle | None = None
        self._writer: asyncio.Task[None] | None = None
        self._writing = asyncio.Lock()

    async def open(self) -> None:
        """Take entries from now on."""
        self._open, self._room = True, self._gathering.room

    def record(self, entry: AuditEntry) -> None:
        """Have an entry written soon; costs an append."""
        waiting = len(self._waiting)
        if waiting >= self._room:
            self._lost(Loss.FULL if self._open else Loss.CLOSED, 1, None)
            return
        self._waiting.append(entry)
        self._recorded += 1
        if self._timer is None and self._writer is None:
            self._begin_in(self._gathering.pause)
        elif waiting + 1 == self._batch and self._timer is not None:
            self._timer.cancel()
            self._begin()

    async def flush(self) -> None:
        """Write what was recorded so far, now.

        Raises:
            DatabaseUnavailable: it goes on waiting.
        """
        until = self._recorded
        while self._settled < until:
            await self._write_batch()

    async def close(self) -> None:
        """Write what waits, or lose it; what is recorded afterwards is lost as well."""
        self._open, self._room = False, 0
        if self._timer is not None:
            self._timer.cancel()
        try:
            await self.flush()
        except DatabaseUnavailable:
            left = len(self._waiting)
            self._settle(left)
            self._lost(Loss.CLOSED, left, None)

    def _begin_in(self, seconds: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(seconds, self._begin)

    def _begin(self) -> None:
        self._timer = None
        self._writer = asyncio.create_task(self._write())

    async def _write(self) -> None:
        """Write whole batches, and what is left of one."""
        pause = self._gathering.pause
        try:
            await self._write_batch()
            while len(self._waiting) >= self._batch:
                await self._write_batch()
        except DatabaseUnavailable:
            pause = self._gathering.retry
        finally:
            self._writer = None
            if self._waiting and self._open:
                self._begin_in(pause)

    async def _write_batch(self) -> None:
        async with self._writing:
            batch = self._waiting[: self._batch]
            if not batch:
                return
            refused: list[Exception] = []
            try:
                await self._write_these(batch, refused)
            finally:
                if refused:
                    self._lost(Loss.FAULTY, len(refused), refused[0])

    async def _write_these(self, batch: Sequence[AuditEntry], refused: list[Exception]) -> None:
        """Write the entries that wait first, and add to `refused` why each was that can never be written."""
        try:
            await self._log.record(batch)
        except DatabaseUnavailable:
            raise
        except Exception as bug:  # noqa: BLE001 - whatever it is, it must not block all others
            if len(batch) > 1:
                half = len(batch) // 2
                await self._write_these(batch[:half], refused)
                await self._write_these(batch[half:], refused)
                return
            refused.append(bug)
        self._settle(len(batch))

    def _settle(self, count: int) -> None:
        del self._waiting[:count]
        self._settled += count
