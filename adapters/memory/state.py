"""What the stores of one process share: everything that was recorded, by owner."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from uuid import UUID

from adapters.memory.fair_use import Account, Rates
from chatcore.audit import AuditEntry
from chatcore.conversation import Conversation, Message, Role
from chatcore.errors import Failure
from chatcore.turn import Turn, TurnStatus, Usage

Clock = Callable[[], datetime]


@dataclass(slots=True, kw_only=True)
class TurnRecord:
    """A turn as it is kept: what the port tells of it, and what it does not."""

    id: UUID
    conversation_id: UUID
    number: int
    key: str | None
    fingerprint: bytes | None
    question: Message
    reply_id: UUID
    selected_text: str | None
    replaces: UUID | None
    created_at: datetime
    token: UUID | None
    lease_until: datetime
    status: TurnStatus = TurnStatus.PENDING
    attempt: int = 1
    active: bool = True
    cancel_wished: bool = False
    pieces: dict[int, str] = field(default_factory=dict)
    reply: Message | None = None
    usage: Usage | None = None
    failure: Failure | None = None
    prompt_tokens: int = 0
    reserved: int = 0
    budget_day: date | None = None

    def said(self) -> str:
        """Return what the current attempt has said so far, as far as it was kept."""
        return "".join(text for _, text in sorted(self.pieces.items()))


@dataclass(slots=True)
class Belongings:
    """Everything of one owner."""

    conversations: dict[UUID, Conversation] = field(default_factory=dict)
    turns: dict[UUID, TurnRecord] = field(default_factory=dict)
    account: Account = field(default_factory=Account)
    audit: dict[str, AuditEntry] = field(default_factory=dict)

    def of_conversation(self, conversation_id: UUID) -> Iterator[TurnRecord]:
        """Yield the turns of a conversation in their order."""
        mine = (record for record in self.turns.values() if record.conversation_id == conversation_id)
        return iter(sorted(mine, key=lambda record: record.number))

    def touch(self, conversation_id: UUID, at: datetime) -> Conversation:
        """Return a conversation after it is noted that something happened in it."""
        touched = replace(self.conversations[conversation_id], updated_at=at)
        self.conversations[conversation_id] = touched
        return touched


class MemoryState:
    """Everything that was recorded. Its clock is the only one by which leases are judged."""

    def __init__(self, clock: Clock) -> None:
        """Take a clock that tells the time with its zone."""
        self.clock = clock
        self.rates = Rates(clock)
        self._owners: dict[str, Belongings] = {}

    def of(self, owner: str) -> Belongings:
        """Return what an owner has, also when that is nothing."""
        return self._owners.get(owner, Belongings())

    def knows(self, owner: str) -> bool:
        """Return whether an owner is known."""
        return owner in self._owners

    def known(self, owner: str) -> Belongings:
        """Return what an owner has, who is known from now on."""
        return self._owners.setdefault(owner, Belongings())

    def erase(self, owner: str) -> bool:
        """Forget an owner with everything that belongs to them, and return whether they were known."""
        self.rates.whole_at.pop(owner, None)
        return self._owners.pop(owner, None) is not None

    def dead(self, record: TurnRecord) -> bool:
        """Return whether a turn is recorded as live although its lease ran out."""
        return record.status.live and record.lease_until < self.clock()

    def status(self, record: TurnRecord) -> TurnStatus:
        """Return where a turn stands now."""
        return TurnStatus.INTERRUPTED if self.dead(record) else record.status

    def turn(self, record: TurnRecord) -> Turn:
        """Return a turn as the port tells of it."""
        status = self.status(record)
        return Turn(
            id=record.id,
            conversation_id=record.conversation_id,
            number=record.number,
            status=status,
            attempt=record.attempt,
            fingerprint=record.fingerprint,
            created_at=record.created_at,
            reply=_partial(record) if status is TurnStatus.INTERRUPTED else record.reply,
            usage=record.usage,
            failure=record.failure,
            replaces=record.replaces,
            active=record.active,
        )


def _partial(record: TurnRecord) -> Message | None:
    said = record.said()
    if not said:
        return None
    return reply_of(record, said, record.created_at)


def reply_of(record: TurnRecord, text: str, at: datetime) -> Message:
    """Return the message that a turn's reply is."""
    return Message(
        id=record.reply_id,
        turn_id=record.id,
        role=Role.ASSISTANT,
        content=text,
        created_at=at,
    )
