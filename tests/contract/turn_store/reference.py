"""A tiny model of turns, as plain as can be, to compare the stores with."""

from dataclasses import dataclass, field
from uuid import UUID

from chatcore.errors import ConversationNotFound, Failure, LeaseLost, TurnNotFound
from chatcore.ports.turn_store import Broken, Completed, Lease, Opening, Outcome, Stopped
from chatcore.turn import MAX_ATTEMPTS, TurnStatus

Answer = tuple[object, ...]


@dataclass
class Known:
    """What the model knows of a turn."""

    wish: Opening
    number: int
    question: str
    status: TurnStatus = TurnStatus.PENDING
    attempt: int = 1
    token: UUID | None = None
    said: str = ""
    reply: str | None = None
    failure: Failure | None = None
    active: bool = True
    wished: bool = False
    calls: int = 0

    def facts(self) -> Answer:
        reply = (self.said or None) if self.status is TurnStatus.INTERRUPTED else self.reply
        return (self.number, self.status, self.attempt, reply, self.failure, self.active)

    @property
    def mendable(self) -> bool:
        return self.status is TurnStatus.INTERRUPTED or (self.failure is not None and self.failure.retryable)


@dataclass
class Reference:
    """Turns by owner and id, and the conversations that exist."""

    turns: dict[tuple[str, UUID], Known] = field(default_factory=dict)
    conversations: set[tuple[str, UUID]] = field(default_factory=set)

    def of(self, owner: str, conversation_id: UUID) -> list[Known]:
        turns = (known for (who, _), known in self.turns.items() if who == owner)
        mine = [known for known in turns if known.wish.conversation_id == conversation_id]
        return sorted(mine, key=lambda known: known.number)

    def begin(self, wish: Opening) -> Answer:
        known = self._same(wish)
        if known is not None:
            ours = known.token == wish.claim.token and known.status.live
            return self._opened(known, wish.window) if ours else ("key taken", known.facts())
        where = (wish.owner, wish.conversation_id)
        if where not in self.conversations and not wish.new_conversation:
            raise ConversationNotFound
        others = self.of(*where)
        replaced = self.turns.get((wish.owner, wish.replaces)) if wish.replaces else None
        if wish.replaces and replaced not in others:
            raise TurnNotFound
        for other in others:
            if other.status.live:
                return "occupied", other.facts()
        if replaced is not None:
            for other in others[replaced.number - 1 :]:
                other.active = False
        question = wish.question or (replaced.question if replaced else "")
        known = Known(wish, len(others) + 1, question, token=wish.claim.token)
        self.conversations.add(where)
        self.turns[wish.owner, wish.turn_id] = known
        return self._opened(known, wish.window)

    def take_over(self, owner: str, turn_id: UUID, token: UUID, window: int) -> Answer:
        known = self.look(owner, turn_id)
        if not known.mendable or known.attempt >= MAX_ATTEMPTS:
            return "key taken", known.facts()
        for other in self.of(owner, known.wish.conversation_id):
            if other.status.live:
                return "occupied", other.facts()
        known.status, known.attempt, known.token = TurnStatus.PENDING, known.attempt + 1, token
        known.said, known.failure, known.wished = "", None, False
        return self._opened(known, window)

    def give_up(self, owner: str, turn_id: UUID, failure: Failure) -> Answer:
        known = self.look(owner, turn_id)
        if known.mendable:
            known.status, known.failure, known.said, known.token = TurnStatus.FAILED, failure, "", None
        return known.facts()

    def checkpoint(self, lease: Lease, text: str) -> Answer:
        known = self._held(lease)
        if text:
            known.status = TurnStatus.STREAMING
            known.said += text
        return (known.wished,)

    def finish(self, lease: Lease, outcome: Outcome) -> Answer:
        known = self.turns.get((lease.owner, lease.turn_id))
        if known is not None and known.token == lease.token and not known.status.live:
            if known.status is TurnStatus.INTERRUPTED:
                raise LeaseLost
            return known.facts()
        known = self._held(lease)
        match outcome:
            case Completed(text=text):
                known.status, known.reply = TurnStatus.COMPLETED, text
            case Stopped(text=text):
                known.status, known.reply = TurnStatus.CANCELLED, text or None
            case Broken(failure=failure):
                known.status, known.failure = TurnStatus.FAILED, failure
        known.said, known.calls = "", known.calls + 1
        return known.facts()

    def release(self, lease: Lease) -> Answer:
        known = self.turns.get((lease.owner, lease.turn_id))
        if known is None or known.token != lease.token or known.status is not TurnStatus.INTERRUPTED:
            self._held(lease).status = TurnStatus.INTERRUPTED
        return ()

    def expire(self, owner: str, turn_id: UUID) -> None:
        known = self.look(owner, turn_id)
        if known.status.live:
            # Who is told of a death by the clock has lost the lease, unlike who gave it back.
            known.status, known.token = TurnStatus.INTERRUPTED, None

    def cancel(self, owner: str, turn_id: UUID) -> Answer:
        known = self.look(owner, turn_id)
        known.wished = True
        return known.facts()

    def delete(self, owner: str, conversation_id: UUID) -> Answer:
        if (owner, conversation_id) not in self.conversations:
            raise ConversationNotFound
        self.conversations.remove((owner, conversation_id))
        for known in self.of(owner, conversation_id):
            del self.turns[owner, known.wish.turn_id]
        return ()

    def look(self, owner: str, turn_id: UUID) -> Known:
        if (owner, turn_id) not in self.turns:
            raise TurnNotFound
        return self.turns[owner, turn_id]

    def _same(self, wish: Opening) -> Known | None:
        if wish.key is None:
            return self.turns.get((wish.owner, wish.turn_id))
        mine = (known for (who, _), known in self.turns.items() if who == wish.owner)
        return next((known for known in mine if known.wish.key == wish.key), None)

    def _held(self, lease: Lease) -> Known:
        known = self.turns.get((lease.owner, lease.turn_id))
        if known is None or known.token != lease.token or not known.status.live:
            raise LeaseLost
        return known

    def _opened(self, known: Known, window: int) -> Answer:
        earlier = [
            (other.question, other.reply)
            for other in self.of(known.wish.owner, known.wish.conversation_id)
            if other.number < known.number and other.active and other.reply is not None
        ]
        return "opened", known.attempt, known.question, tuple(earlier[max(0, len(earlier) - window) :])
