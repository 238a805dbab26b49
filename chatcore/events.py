"""The one canonical sequence of what happens in a turn; every wire protocol is a pure projection of it.

A stream is `Accepted`, any number of `Delta` (and `Reset`, after which what was shown so far is void), then
exactly one of `Done`, `Failed`, `Cancelled`, `Interrupted`. `Silence` may stand anywhere: nothing happened
for a while, and a listener may want to show that it is still there.
"""

from dataclasses import dataclass
from uuid import UUID

from chatcore.conversation import Message
from chatcore.errors import Failure
from chatcore.turn import Turn, TurnStatus, Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """How much of a turn a listener has: so many characters of the reply of this attempt."""

    attempt: int
    offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """The question is stored and will be answered."""

    turn_id: UUID
    conversation_id: UUID
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Delta:
    """The next piece of the reply, and the position after it."""

    text: str
    position: Position


@dataclass(frozen=True, slots=True, kw_only=True)
class Reset:
    """What was shown so far is void: another attempt began, or the listener claims more than was ever said."""

    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """The reply is complete and stored."""

    message: Message
    usage: Usage
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """The turn failed."""

    failure: Failure
    attempt: int
    retry_after: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancelled:
    """The turn was stopped; what was said until then is kept."""

    message: Message | None
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Interrupted:
    """The turn ended with the process that worked on it; the same key may take it up again."""

    message: Message | None
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """Nothing happened for a while."""


Ending = Done | Failed | Cancelled | Interrupted
TurnEvent = Accepted | Delta | Reset | Ending | Silence


def ending_of(turn: Turn) -> Ending | None:
    """Return how a recorded turn ended, or None while it is live."""
    match turn.status:
        case TurnStatus.PENDING | TurnStatus.STREAMING:
            return None
        case TurnStatus.COMPLETED:
            return _done(turn)
        case TurnStatus.FAILED:
            return Failed(failure=turn.failure or Failure(code="", retryable=False), attempt=turn.attempt)
        case TurnStatus.CANCELLED:
            return Cancelled(message=turn.reply, attempt=turn.attempt)
        case TurnStatus.INTERRUPTED:  # the last of them
            return Interrupted(message=turn.reply, attempt=turn.attempt)


def _done(turn: Turn) -> Done:
    if turn.reply is None or turn.usage is None:
        msg = f"turn {turn.id} is completed without a reply"
        raise AssertionError(msg)
    return Done(message=turn.reply, usage=turn.usage, attempt=turn.attempt)
