"""Where a request's turns are: whose they are, how the door names that, and how it judges errors."""

from dataclasses import dataclass
from functools import partial
from uuid import UUID

from litestar.types import Scope
from msgspec import UNSET

from chatcore.events import Failed, Position, ending_of
from chatcore.turn import Turn
from entrypoints.http import problems, wire
from entrypoints.http.problems import Problem
from entrypoints.http.sse import Frames, error_of
from entrypoints.http.statuses import StatusTable


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One owner's turns as one door shows them; `session_id` where its clients know no conversations."""

    owner: str
    statuses: StatusTable
    session_id: str | None = None

    def accepted(self, turn_id: UUID, conversation_id: UUID) -> wire.AcceptedView:
        """Return what is told first of an accepted turn."""
        if self.session_id is None:
            return wire.AcceptedView(turn_id=turn_id, conversation_id=conversation_id)
        return wire.AcceptedView(turn_id=turn_id, session_id=self.session_id)

    def problem(self, error: Exception, scope: Scope) -> Problem:
        """Return an error as this door's clients read it."""
        return problems.of(error, self.statuses, scope)

    def frames(self, scope: Scope, position: Position | None = None) -> Frames:
        """Return who makes the frames of a stream for this door, from a position on."""
        return Frames(self.accepted, partial(self.problem, scope=scope), position)

    def turn_view(self, turn: Turn, scope: Scope) -> wire.TurnView:
        """Return a turn as this door's clients see it."""
        ending = ending_of(turn)
        return wire.TurnView(
            turn_id=turn.id,
            session_id=self.session_id or UNSET,
            conversation_id=turn.conversation_id if self.session_id is None else UNSET,
            status=turn.status,
            created_at=turn.created_at,
            message=None if turn.reply is None else wire.message_view(turn.reply),
            usage=None if turn.usage is None else wire.usage_view(turn.usage),
            error=self.problem(error_of(ending), scope) if isinstance(ending, Failed) else UNSET,
        )
