"""The port through which turns are recorded, exactly once each.

Every method is atomic, takes the owner and sees nothing of anybody else. Leases are judged by the store's
own clock: a live turn whose lease ran out *is* interrupted, and every method treats and reports it so,
whether or not anybody has written that down. A store may call a lease dead a few seconds late after it was
itself unreachable, because nobody could have renewed it in that time.

Whoever writes down that an attempt's lease ran out also writes into the ledger what it is estimated to have
cost, as one call with the outcome `lost`: nobody else knows any more.

Each method may be called again with the same arguments after a lost answer and then answers as it would
have: ids and lease tokens are made by the caller. Each raises DatabaseUnavailable where the store cannot
be reached; whether it did the work is then unknown.
"""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from chatcore.errors import Failure
from chatcore.events import Position
from chatcore.fair_use import UNBOUNDED, Allowance, FairUse
from chatcore.ports.language_model import ModelCall
from chatcore.prompt import Exchange
from chatcore.turn import Turn, Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A wish to work on a turn: the token that will fence its writes, and how long it holds unrenewed."""

    token: UUID
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The right to write one attempt of a turn."""

    owner: str
    turn_id: UUID
    conversation_id: UUID
    token: UUID
    attempt: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """A question to be recorded, with every id that its turn will need.

    `question` is None where the question of the turn `replaces` is to be answered again, selected text
    included. `window` is the number of newest exchanges to read. `title` names the conversation if it is new.
    `prompt_tokens` is about what the prompt costs without its history.
    """

    owner: str
    conversation_id: UUID
    new_conversation: bool
    turn_id: UUID
    question_id: UUID
    reply_id: UUID
    question: str | None
    selected_text: str | None
    title: str
    key: str | None
    fingerprint: bytes | None
    replaces: UUID | None
    window: int
    claim: Claim
    fair_use: FairUse = UNBOUNDED
    prompt_tokens: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """The turn is recorded and ours to answer; `allowance` is what is left where a rate bounds its owner."""

    lease: Lease
    question: str
    selected_text: str | None
    history: Sequence[Exchange]
    allowance: Allowance | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyTaken:
    """The owner's idempotency key belongs to this turn already."""

    turn: Turn


@dataclass(frozen=True, slots=True, kw_only=True)
class Occupied:
    """Another turn of the conversation is live."""

    turn: Turn


@dataclass(frozen=True, slots=True, kw_only=True)
class Completed:
    """The whole reply."""

    text: str
    usage: Usage
    model: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """No reply, and why."""

    failure: Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """The reply as far as it got before somebody cancelled the turn."""

    text: str
    usage: Usage


Outcome = Completed | Broken | Stopped


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """A turn, and what its current attempt has said beyond a position."""

    turn: Turn
    text: str


class TurnStore(Protocol):
    """Keeps turns."""

    @abstractmethod
    async def begin(self, opening: Opening) -> Opened | KeyTaken | Occupied:
        """Record a question, or say what stands in its way; nothing is written then.

        A taken key is reported before an occupied conversation. The history holds the newest exchanges,
        oldest first, of the conversation's active path: turns that were answered (or cancelled with
        something said), none that was replaced. With `replaces`, that turn and all after it leave the active
        path, and the history is what came before it. Called again with the token of a turn that this very
        claim began, it answers Opened again.

        Only a question that is recorded counts against its fair use; whoever asks for an earlier one again,
        or is refused, pays nothing. Of the owner's tokens of the day it reserves what it is estimated to
        cost, until it is known. What turns have reserved whose lease ran out keeps nobody from asking.

        Raises:
            RateLimited: too much was asked by this owner, or from this address.
            TokenBudgetExhausted: what the owner may spend today is spent, or reserved for running turns.
            ConversationNotFound: there is no such conversation of this owner and `new_conversation` is false.
            TurnNotFound: there is no turn `replaces` in this conversation.
        """

    @abstractmethod
    async def take_over(
        self, owner: str, turn_id: UUID, claim: Claim, window: int
    ) -> Opened | KeyTaken | Occupied:
        """Begin the next attempt of a turn that failed retryably or was interrupted.

        What its last attempt said is gone. It was counted when it began and is not limited again. Where the
        turn is neither (any more), or its attempts are used up, nothing is written and KeyTaken says what it
        is now. Occupied: another turn of the conversation is live.

        Raises:
            TurnNotFound: there is no such turn of this owner.
        """

    @abstractmethod
    async def give_up(self, owner: str, turn_id: UUID, failure: Failure) -> Turn:
        """Record an interrupted turn, or one that failed retryably, as finally failed, and return it.

        Raises:
            TurnNotFound: there is no such turn of this owner.
        """

    @abstractmethod
    async def checkpoint(self, lease: Lease, text: str, offset: int) -> bool:
        """Keep the next piece of a reply, which ends at `offset` characters, renew the lease, and return
        whether somebody wishes the turn cancelled. An empty text only renews.

        Raises:
            LeaseLost: the turn is not ours any more.
        """

    @abstractmethod
    async def finish(self, lease: Lease, outcome: Outcome, calls: Sequence[ModelCall]) -> Turn:
        """End the turn and return it as recorded; its checkpoints are gone.

        A cancelled turn in which nothing was said records no reply. `calls` go into the ledger, and what they
        cost takes the place of what was reserved for the turn.

        Raises:
            LeaseLost: the turn is not ours any more.
        """

    @abstractmethod
    async def release(self, lease: Lease, calls: Sequence[ModelCall] = ()) -> None:
        """Give a live turn back at once, as interrupted, so that nobody has to wait for the lease to run out.

        `calls` go into the ledger.

        Raises:
            LeaseLost: the turn is not ours any more.
        """

    @abstractmethod
    async def bill(self, lease: Lease, calls: Sequence[ModelCall]) -> None:
        """Put the calls of an attempt into the ledger whose turn was taken from it, or deleted.

        One that was written off as lost already stays as it was estimated. Of an owner who was erased
        nothing is kept.
        """

    @abstractmethod
    async def look(self, owner: str, turn_id: UUID) -> Turn:
        """Return a turn; an interrupted one carries its partial reply.

        Raises:
            TurnNotFound: there is no such turn of this owner.
        """

    @abstractmethod
    async def follow(self, owner: str, turn_id: UUID, position: Position) -> Progress:
        """Return a turn and, while it is live, what its current attempt has said after the position's offset.

        Where the position is of an earlier attempt, what the current one has said from its beginning. The
        text is empty once the turn has ended: its reply then has it all.

        Raises:
            TurnNotFound: there is no such turn of this owner.
        """

    @abstractmethod
    async def cancel(self, owner: str, turn_id: UUID) -> Turn:
        """Wish a live turn cancelled and return it; a turn that has ended, or been lost, stays as it is.

        Raises:
            TurnNotFound: there is no such turn of this owner.
        """
