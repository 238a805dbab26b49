"""A turn: one question and its reply, the unit that is recorded exactly once.

The statuses and the lawful moves between them are the table `MOVES`; what a repeated request means is
`decide`. Both are pure, so that they can be tested exhaustively.
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from uuid import UUID

from chatcore.conversation import Message
from chatcore.errors import Failure

MAX_ATTEMPTS = 10
"""How often a turn may be begun before it counts as one that kills its process."""


class TurnStatus(StrEnum):
    """Where a turn stands."""

    PENDING = "pending"
    STREAMING = "streaming"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"

    @property
    def live(self) -> bool:
        """Whether somebody is working on the turn."""
        return self in {TurnStatus.PENDING, TurnStatus.STREAMING}


_ENDINGS = frozenset({TurnStatus.COMPLETED, TurnStatus.FAILED, TurnStatus.CANCELLED, TurnStatus.INTERRUPTED})
MOVES = MappingProxyType(
    {
        TurnStatus.PENDING: _ENDINGS | {TurnStatus.STREAMING},
        TurnStatus.STREAMING: _ENDINGS,
        TurnStatus.COMPLETED: frozenset[TurnStatus](),
        TurnStatus.FAILED: frozenset({TurnStatus.PENDING}),
        TurnStatus.CANCELLED: frozenset[TurnStatus](),
        TurnStatus.INTERRUPTED: frozenset({TurnStatus.PENDING, TurnStatus.FAILED}),
    }
)

_canonical = json.JSONEncoder(sort_keys=True, ensure_ascii=True, separators=(",", ":")).encode


class IllegalMove(Exception):
    """A turn was asked to go where it cannot go: a bug of ours, never a client's."""


def moved(before: TurnStatus, after: TurnStatus) -> TurnStatus:
    """Return the status after a move.

    Raises:
        IllegalMove: `MOVES` has no such move.
    """
    if after not in MOVES[before]:
        raise IllegalMove(f"{before} → {after}")
    return after


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What a reply cost, in tokens; `estimated` where the provider did not say."""

    input_tokens: int
    output_tokens: int
    estimated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A turn as it is recorded, its status judged by the database's clock.

    `reply` is there once something was said: whole when completed, partial when cancelled or interrupted.
    """

    id: UUID
    conversation_id: UUID
    number: int
    status: TurnStatus
    attempt: int
    fingerprint: bytes | None
    created_at: datetime
    reply: Message | None = None
    usage: Usage | None = None
    failure: Failure | None = None
    replaces: UUID | None = None
    active: bool = True


class Decision(StrEnum):
    """What a request means whose idempotency key is known already."""

    REPLAY = "replay"
    ATTACH = "attach"
    TAKE_OVER = "take over"
    GIVE_UP = "give up"
    REFUSE = "refuse"


def decide(turn: Turn, fingerprint: bytes) -> Decision:
    """Return what to do with a request that names the key of an earlier turn.

    REFUSE: it is another request. ATTACH: the turn runs, wait for it. TAKE_OVER: it ended in a way that
    another attempt may mend. GIVE_UP: so many attempts died that the next would too. REPLAY: its outcome
    is final and is given again.
    """
    if turn.fingerprint != fingerprint:
        return Decision.REFUSE
    if turn.status.live:
        return Decision.ATTACH
    worth_retrying = turn.status is TurnStatus.INTERRUPTED or (
        turn.failure is not None and turn.failure.retryable
    )
    if not worth_retrying:
        return Decision.REPLAY
    return Decision.TAKE_OVER if turn.attempt < MAX_ATTEMPTS else Decision.GIVE_UP


def fingerprint(**parts: str | None) -> bytes:
    """Return the SHA-256 of a request's meaning: its named parts, whatever their order or spacing was."""
    return hashlib.sha256(_canonical(parts).encode()).digest()
