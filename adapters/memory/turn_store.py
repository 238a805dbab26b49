"""Turns in memory, by the same rules as in a database."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from adapters.memory import costs
from adapters.memory.state import Belongings, MemoryState, TurnRecord, reply_of
from chatcore.conversation import Conversation, Message, Role
from chatcore.errors import ConversationNotFound, Failure, LeaseLost, TokenBudgetExhausted, TurnNotFound
from chatcore.events import Position
from chatcore.ports.language_model import ModelCall
from chatcore.ports.turn_store import (
    Broken,
    Claim,
    Completed,
    KeyTaken,
    Lease,
    Occupied,
    Opened,
    Opening,
    Outcome,
    Progress,
    Stopped,
    TurnStore,
)
from chatcore.prompt import Exchange
from chatcore.turn import MAX_ATTEMPTS, Turn, TurnStatus, moved


class MemoryTurnStore(TurnStore):
    """Keeps turns in memory. No method pauses, so each is atomic among the tasks of one event loop."""

    def __init__(self, state: MemoryState) -> None:
        """Take what is shared with the other stores of this process."""
        self._state = state

    async def begin(self, opening: Opening) -> Opened | KeyTaken | Occupied:
        """Record a question, or say what stands in its way; see the port."""
        try:
            return self._begun(opening)
        except TokenBudgetExhausted:
            if not costs.write_off_dead(self._state, self._state.of(opening.owner)):
                raise
            return self._begun(opening)

    async def take_over(
        self, owner: str, turn_id: UUID, claim: Claim, window: int
    ) -> Opened | KeyTaken | Occupied:
        """Begin the next attempt of a turn; see the port."""
        mine, record = self._found(owner, turn_id)
        if not self._ours(record, claim):
            if not self._mendable(record) or record.attempt >= MAX_ATTEMPTS:
                return KeyTaken(turn=self._state.turn(record))
            live = self._live(mine, record.conversation_id)
            if live is not None:
                return Occupied(turn=self._state.turn(live))
            costs.write_off_dead(self._state, mine, record.conversation_id)
            costs.reserve_again(mine, record, self._state.clock())
            record.status = moved(self._state.status(record), TurnStatus.PENDING)
            record.attempt += 1
            record.pieces = {}
            record.failure, record.cancel_wished = None, False
            record.token, record.lease_until = claim.token, self._until(claim.seconds)
        return self._opened(mine, owner, record, claim, window)

    async def give_up(self, owner: str, turn_id: UUID, failure: Failure) -> Turn:
        """Record a turn as finally failed; see the port."""
        mine, record = self._found(owner, turn_id)
        if self._mendable(record):
            if self._state.dead(record):
                costs.write_off(mine, record, self._state.clock())
            record.status, record.failure = TurnStatus.FAILED, failure
            record.pieces, record.token = {}, None
        return self._state.turn(record)

    async def checkpoint(self, lease: Lease, text: str, offset: int) -> bool:
        """Keep the next piece of a reply and renew the lease; see the port."""
        record = self._held(lease)
        record.lease_until = self._until(lease.seconds)
        if text:
            if record.status is not TurnStatus.STREAMING:
                record.status = moved(record.status, TurnStatus.STREAMING)
            record.pieces.setdefault(offset, text)
        return record.cancel_wished

    async def finish(self, lease: Lease, outcome: Outcome, calls: Sequence[ModelCall]) -> Turn:
        """End the turn and return it as recorded; see the port."""
        mine = self._state.of(lease.owner)
        record = mine.turns.get(lease.turn_id)
        if record is not None and record.token == lease.token and _ended(record):
            return self._state.turn(record)
        record, now = self._held(lease), self._state.clock()
        match outcome:
            case Completed(text=text, usage=usage):
                record.status, record.usage = moved(record.status, TurnStatus.COMPLETED), usage
                record.reply = reply_of(record, text, now)
            case Stopped(text=text, usage=usage):
                record.status, record.usage = moved(record.status, TurnStatus.CANCELLED), usage
                record.reply = reply_of(record, text, now) if text else None
            case Broken(failure=failure):
                record.status, record.failure = moved(record.status, TurnStatus.FAILED), failure
        record.pieces = {}
        costs.settle(mine, record, calls, self._state.clock())
        mine.touch(record.conversation_id, now)
        return self._state.turn(record)

    async def release(self, lease: Lease, calls: Sequence[ModelCall] = ()) -> None:
        """Give a live turn back at once, as interrupted; see the port."""
        mine = self._state.of(lease.owner)
        record = mine.turns.get(lease.turn_id)
        if record is not None and record.token == lease.token and record.status is TurnStatus.INTERRUPTED:
            return
        record = self._held(lease)
        record.status = moved(record.status, TurnStatus.INTERRUPTED)
        costs.settle(mine, record, calls, self._state.clock())

    async def bill(self, lease: Lease, calls: Sequence[ModelCall]) -> None:
        """Put the calls of a lost attempt into the ledger; see the port."""
        costs.bill(self._state.of(lease.owner), lease, calls, self._state.clock())

    async def look(self, owner: str, turn_id: UUID) -> Turn:
        """Return a turn; see the port."""
        _, record = self._found(owner, turn_id)
        return self._state.turn(record)

    async def follow(self, owner: str, turn_id: UUID, position: Position) -> Progress:
        """Return a turn and what it has said after a position; see the port."""
        _, record = self._found(owner, turn_id)
        turn = self._state.turn(record)
        offset = position.offset if position.attempt == turn.attempt else 0
        return Progress(turn=turn, text=record.said()[offset:] if turn.status.live else "")

    async def cancel(self, owner: str, turn_id: UUID) -> Turn:
        """Wish a live turn cancelled and return it; see the port."""
        _, record = self._found(owner, turn_id)
        record.cancel_wished = record.cancel_wished or self._state.status(record).live
        return self._state.turn(record)

    def _begun(self, opening: Opening) -> Opened | KeyTaken | Occupied:
        mine = self._state.of(opening.owner)
        known = _known(mine, opening)
        if known is not None:
            if self._ours(known, opening.claim):
                return self._opened(mine, opening.owner, known, opening.claim, opening.window)
            return KeyTaken(turn=self._state.turn(known))
        costs.check(self._state, mine, opening)
        replaced = _replaced(mine, opening)
        live = self._live(mine, opening.conversation_id)
        if live is not None:
            return Occupied(turn=self._state.turn(live))
        costs.write_off_dead(self._state, mine, opening.conversation_id)
        mine = self._state.known(opening.owner)
        record = self._record(mine, opening, replaced)
        costs.reserve(self._state, mine, record, opening.fair_use.daily_tokens)
        allowance = self._state.rates.charge(opening.owner, opening.fair_use)
        self._open_conversation(mine, opening)
        for other in _replaced_with(mine, replaced):
            other.active = False
        mine.turns[record.id] = record
        opened = self._opened(mine, opening.owner, record, opening.claim, opening.window)
        return replace(opened, allowance=allowance)

    def _found(self, owner: str, turn_id: UUID) -> tuple[Belongings, TurnRecord]:
        mine = self._state.of(owner)
        record = mine.turns.get(turn_id)
        if record is None:
            raise TurnNotFound
        return mine, record

    def _held(self, lease: Lease) -> TurnRecord:
        record = self._state.of(lease.owner).turns.get(lease.turn_id)
        if record is None or record.token != lease.token or not self._state.status(record).live:
            raise LeaseLost
        return record

    def _ours(self, record: TurnRecord, claim: Claim) -> bool:
        return record.token == claim.token and self._state.status(record).live

    def _mendable(self, record: TurnRecord) -> bool:
        status = self._state.status(record)
        failed_for_now = record.failure is not None and record.failure.retryable
        return status is TurnStatus.INTERRUPTED or (status is TurnStatus.FAILED and failed_for_now)

    def _live(self, mine: Belongings, conversation_id: UUID) -> TurnRecord | None:
        records = mine.of_conversation(conversation_id)
        return next((record for record in records if self._state.status(record).live), None)

    def _until(self, seconds: float) -> datetime:
        return self._state.clock() + timedelta(seconds=seconds)

    def _open_conversation(self, mine: Belongings, opening: Opening) -> None:
        if opening.conversation_id not in mine.conversations:
            now = self._state.clock()
            mine.conversations[opening.conversation_id] = Conversation(
                id=opening.conversation_id,
                owner=opening.owner,
                title=opening.title,
                created_at=now,
                updated_at=now,
            )

    def _record(self, mine: Belongings, opening: Opening, replaced: TurnRecord | None) -> TurnRecord:
        """Return the record of a new turn."""
        now = self._state.clock()
        others = list(mine.of_conversation(opening.conversation_id))
        question, selected_text = opening.question, opening.selected_text
        if replaced is not None and question is None:
            question, selected_text = replaced.question.content, replaced.selected_text
        return TurnRecord(
            id=opening.turn_id,
            conversation_id=opening.conversation_id,
            number=len(others) + 1,
            key=opening.key,
            fingerprint=opening.fingerprint,
            question=Message(
                id=opening.question_id,
                turn_id=opening.turn_id,
                role=Role.USER,
                content=question or "",
                created_at=now,
            ),
            reply_id=opening.reply_id,
            selected_text=selected_text,
            replaces=opening.replaces,
            created_at=now,
            token=opening.claim.token,
            lease_until=self._until(opening.claim.seconds),
            prompt_tokens=opening.prompt_tokens + costs.remembered(others, opening.selected_text),
        )

    def _opened(self, mine: Belongings, owner: str, record: TurnRecord, claim: Claim, window: int) -> Opened:
        return Opened(
            lease=Lease(
                owner=owner,
                turn_id=record.id,
                conversation_id=record.conversation_id,
                token=claim.token,
                attempt=record.attempt,
                seconds=claim.seconds,
            ),
            question=record.question.content,
            selected_text=record.selected_text,
            history=_history(mine, record, window),
        )


def _known(mine: Belongings, opening: Opening) -> TurnRecord | None:
    """Return the turn that has the opening's key or, where it has none, its id already."""
    if opening.key is None:
        return mine.turns.get(opening.turn_id)
    return next((record for record in mine.turns.values() if record.key == opening.key), None)


def _replaced(mine: Belongings, opening: Opening) -> TurnRecord | None:
    if opening.conversation_id not in mine.conversations and not opening.new_conversation:
        raise ConversationNotFound
    if opening.replaces is None:
        return None
    record = mine.turns.get(opening.replaces)
    if record is None or record.conversation_id != opening.conversation_id:
        raise TurnNotFound
    return record


def _replaced_with(mine: Belongings, replaced: TurnRecord | None) -> Sequence[TurnRecord]:
    """Return what leaves the active path with a turn that is replaced."""
    if replaced is None:
        return ()
    return list(mine.of_conversation(replaced.conversation_id))[replaced.number - 1 :]


def _history(mine: Belongings, record: TurnRecord, window: int) -> Sequence[Exchange]:
    answered = [
        Exchange(other.question.content, other.reply.content)
        for other in mine.of_conversation(record.conversation_id)
        if other.number < record.number and other.active and other.reply is not None
    ]
    return tuple(answered[len(answered) - window :]) if window < len(answered) else tuple(answered)


def _ended(record: TurnRecord) -> bool:
    return not record.status.live and record.status is not TurnStatus.INTERRUPTED
