"""A span for each step of a turn that is recorded; each is one statement.

Attributes: https://opentelemetry.io/docs/specs/semconv/database/database-spans/
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from uuid import UUID

from opentelemetry.trace import Span, SpanKind, Tracer

from chatcore.errors import Failure
from chatcore.events import Position
from chatcore.ports.language_model import ModelCall
from chatcore.ports.turn_store import (
    Claim,
    KeyTaken,
    Lease,
    Occupied,
    Opened,
    Opening,
    Outcome,
    Progress,
    TurnStore,
)
from chatcore.turn import Turn


class TracedTurnStore(TurnStore):
    """Wraps a store of turns; see the port for each method."""

    def __init__(self, store: TurnStore, tracer: Tracer) -> None:
        """Take the store and what makes spans."""
        self._store = store
        self._tracer = tracer

    async def begin(self, opening: Opening) -> Opened | KeyTaken | Occupied:
        """Record a question, or say what stands in its way."""
        with self._span("begin"):
            return await self._store.begin(opening)

    async def take_over(
        self, owner: str, turn_id: UUID, claim: Claim, window: int
    ) -> Opened | KeyTaken | Occupied:
        """Begin the next attempt of a turn."""
        with self._span("take_over"):
            return await self._store.take_over(owner, turn_id, claim, window)

    async def give_up(self, owner: str, turn_id: UUID, failure: Failure) -> Turn:
        """Record a turn as finally failed."""
        with self._span("give_up"):
            return await self._store.give_up(owner, turn_id, failure)

    async def checkpoint(self, lease: Lease, text: str, offset: int) -> bool:
        """Keep the next piece of a reply and renew the lease."""
        with self._span("checkpoint"):
            return await self._store.checkpoint(lease, text, offset)

    async def finish(self, lease: Lease, outcome: Outcome, calls: Sequence[ModelCall]) -> Turn:
        """End the turn and return it as recorded."""
        with self._span("finish"):
            return await self._store.finish(lease, outcome, calls)

    async def release(self, lease: Lease, calls: Sequence[ModelCall] = ()) -> None:
        """Give a live turn back at once."""
        with self._span("release"):
            await self._store.release(lease, calls)

    async def bill(self, lease: Lease, calls: Sequence[ModelCall]) -> None:
        """Put the calls of a lost attempt into the ledger."""
        with self._span("bill"):
            await self._store.bill(lease, calls)

    async def look(self, owner: str, turn_id: UUID) -> Turn:
        """Return a turn."""
        with self._span("look"):
            return await self._store.look(owner, turn_id)

    async def follow(self, owner: str, turn_id: UUID, position: Position) -> Progress:
        """Return a turn and what it has said after a position."""
        with self._span("follow"):
            return await self._store.follow(owner, turn_id, position)

    async def cancel(self, owner: str, turn_id: UUID) -> Turn:
        """Wish a live turn cancelled and return it."""
        with self._span("cancel"):
            return await self._store.cancel(owner, turn_id)

    def _span(self, step: str) -> AbstractContextManager[Span]:
        return self._tracer.start_as_current_span(
            f"turn {step}",
            kind=SpanKind.CLIENT,
            attributes={"db.system.name": "postgresql", "db.operation.name": step},
        )
