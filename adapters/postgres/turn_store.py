"""Turns in PostgreSQL: each step is one call of a function that the database carries out as a whole."""

from collections.abc import Sequence
from typing import cast
from uuid import UUID

import msgspec

from adapters.postgres.database import Database
from adapters.postgres.failures import Duplicate, StatementFault
from adapters.postgres.rates import Sweep
from adapters.postgres.schema_source import statement
from adapters.postgres.turn_rows import turn_of
from adapters.postgres.wire import Parameter, Row
from chatcore.errors import (
    ConversationNotFound,
    Failure,
    LeaseLost,
    RateLimited,
    TokenBudgetExhausted,
    TurnNotFound,
)
from chatcore.events import Position
from chatcore.fair_use import REPLY_ALLOWANCE, Allowance, FairUse, Rate
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
from chatcore.turn import MAX_ATTEMPTS, Turn, TurnStatus

_FURTHEST = 2**31 - 1
_encode = msgspec.json.Encoder().encode


class PostgresTurnStore(TurnStore):
    """Keeps turns in PostgreSQL."""

    def __init__(self, database: Database) -> None:
        """Take an opened database, or one that will be open before the first call."""
        self._database = database
        self._begin = statement("turns/begin")
        self._interrupt_dead = statement("turns/interrupt_dead")
        self._take_over = statement("turns/take_over")
        self._give_up = statement("turns/give_up")
        self._checkpoint = statement("turns/checkpoint")
        self._finish = statement("turns/finish")
        self._release = statement("turns/release")
        self._bill = statement("turns/bill")
        self._sweep = Sweep(database)
        self._look = statement("turns/look")
        self._follow = statement("turns/follow")
        self._cancel = statement("turns/cancel")

    async def begin(self, opening: Opening) -> Opened | KeyTaken | Occupied:
        """Record a question, or say what stands in its way; see the port."""
        try:
            row = await self._begun(opening)
        except Duplicate:
            # Somebody was faster with our key, or we were and the answer was lost: now the facts are there.
            row = await self._begun(opening)
        if row[0] == "spent" and await self._settled_dead(opening.owner):
            row = await self._begun(opening)
        if opening.fair_use.rate is not None:
            self._sweep.count()
        return _answer(row, opening.owner, opening.turn_id, opening.claim, opening.fair_use.rate)

    async def take_over(
        self, owner: str, turn_id: UUID, claim: Claim, window: int
    ) -> Opened | KeyTaken | Occupied:
        """Begin the next attempt of a turn; see the port."""
        row = await self._one(self._take_over, owner, turn_id, claim.token, claim.seconds, window, MAX_ATTEMPTS)
        return _answer(row, owner, turn_id, claim)

    async def give_up(self, owner: str, turn_id: UUID, failure: Failure) -> Turn:
        """Record a turn as finally failed; see the port."""
        return _found(await self._one(self._give_up, owner, turn_id, failure.code, failure.retryable))

    async def checkpoint(self, lease: Lease, text: str, offset: int) -> bool:
        """Keep the next piece of a reply and renew the lease; see the port."""
        (wished,) = await self._one(
            self._checkpoint, lease.owner, lease.turn_id, lease.token, lease.seconds, text, offset
        )
        if wished is None:
            raise LeaseLost
        return bool(wished)

    async def finish(self, lease: Lease, outcome: Outcome, calls: Sequence[ModelCall]) -> Turn:
        """End the turn and return it as recorded; see the port."""
        row = await self._one(
            self._finish,
            lease.owner,
            lease.conversation_id,
            lease.turn_id,
            lease.token,
            *_recorded(outcome),
            _ledger(calls),
        )
        turn = turn_of(row)
        if turn is None:
            raise LeaseLost
        return turn

    async def release(self, lease: Lease, calls: Sequence[ModelCall] = ()) -> None:
        """Give a live turn back at once, as interrupted; see the port."""
        (ours,) = await self._one(self._release, lease.owner, lease.turn_id, lease.token, _ledger(calls))
        if not ours:
            raise LeaseLost

    async def bill(self, lease: Lease, calls: Sequence[ModelCall]) -> None:
        """Put the calls of a lost attempt into the ledger; see the port."""
        if calls:
            await self._one(self._bill, lease.owner, lease.turn_id, lease.attempt, _ledger(calls))

    async def look(self, owner: str, turn_id: UUID) -> Turn:
        """Return a turn; see the port."""
        return _found(await self._one(self._look, owner, turn_id))

    async def follow(self, owner: str, turn_id: UUID, position: Position) -> Progress:
        """Return a turn and what it has said after a position; see the port."""
        attempt, offset = min(position.attempt, _FURTHEST), min(position.offset, _FURTHEST)
        said, *facts = await self._one(self._follow, owner, turn_id, attempt, offset)
        return Progress(turn=_found(tuple(facts)), text=str(said))

    async def cancel(self, owner: str, turn_id: UUID) -> Turn:
        """Wish a live turn cancelled and return it; see the port."""
        return _found(await self._one(self._cancel, owner, turn_id))

    async def _settled_dead(self, owner: str) -> bool:
        """Settle all turns whose process died, in whatever conversation, and return whether there were any."""
        some = False
        while (await self._one(self._interrupt_dead, owner))[0]:
            some = True
        return some

    async def _begun(self, opening: Opening) -> Row:
        return await self._one(
            self._begin,
            opening.owner,
            opening.conversation_id,
            opening.new_conversation,
            opening.title,
            opening.turn_id,
            opening.question_id,
            opening.reply_id,
            opening.question,
            opening.selected_text,
            opening.key,
            opening.fingerprint,
            opening.replaces,
            opening.window,
            opening.claim.token,
            opening.claim.seconds,
            *_bounds(opening.fair_use),
            opening.prompt_tokens,
            REPLY_ALLOWANCE,
            opening.fair_use.daily_tokens,
        )

    async def _one(self, sql: bytes, owner: str, *parameters: Parameter) -> Row:
        (row,) = await self._database.call_for(owner, sql, *parameters)
        return row


def _answer(
    row: Row, owner: str, turn_id: UUID, claim: Claim, rate: Rate | None = None
) -> Opened | KeyTaken | Occupied:
    """Return what a row of begin or take over says."""
    verdict, wait, remaining, reset, attempt, question, selected_text, questions, answers, *facts = row
    match verdict:
        case "opened":
            return Opened(
                lease=Lease(
                    owner=owner,
                    turn_id=turn_id,
                    conversation_id=cast("UUID", facts[1]),
                    token=claim.token,
                    attempt=cast("int", attempt),
                    seconds=claim.seconds,
                ),
                question=cast("str", question),
                selected_text=cast("str | None", selected_text),
                history=_exchanges(questions, answers),
                allowance=None
                if rate is None or remaining is None
                else Allowance(
                    limit=rate.requests, remaining=cast("int", remaining), reset=cast("float", reset)
                ),
            )
        case "key taken":
            return KeyTaken(turn=_found(tuple(facts)))
        case "occupied":
            return Occupied(turn=_found(tuple(facts)))
        case "limited":
            raise RateLimited(retry_after=cast("float", wait))
        case "spent":
            raise TokenBudgetExhausted.until_midnight(cast("float", wait))
        case "no conversation":
            raise ConversationNotFound
        case "no turn":
            raise TurnNotFound
        case _:
            raise StatementFault(f"the schema is of another version: it answers {verdict!r}")


def _bounds(fair_use: FairUse) -> tuple[Parameter, ...]:
    """Return the owner's rate, then the address and its rate."""
    rate, address = fair_use.rate, fair_use.address
    return (
        *((None, None) if rate is None else (rate.requests, rate.seconds)),
        *(
            (None, None, None)
            if address is None
            else (address.subject, address.rate.requests, address.rate.seconds)
        ),
    )


def _exchanges(questions: object, answers: object) -> tuple[Exchange, ...]:
    if questions is None:
        return ()
    return tuple(map(Exchange, cast("list[str]", questions), cast("list[str]", answers)))


def _found(row: Row) -> Turn:
    turn = turn_of(row)
    if turn is None:
        raise TurnNotFound
    return turn


def _recorded(outcome: Outcome) -> tuple[Parameter, ...]:
    """Return the status, text, usage, model and failure of an outcome."""
    match outcome:
        case Completed(text=text, usage=usage, model=model):
            tokens = usage.input_tokens, usage.output_tokens, usage.estimated
            return TurnStatus.COMPLETED, text, *tokens, model, None, None
        case Stopped(text=text, usage=usage):
            tokens = usage.input_tokens, usage.output_tokens, usage.estimated
            return TurnStatus.CANCELLED, text or None, *tokens, None, None, None
        case Broken(failure=failure):
            return TurnStatus.FAILED, None, None, None, None, None, failure.code, failure.retryable


def _ledger(calls: Sequence[ModelCall]) -> str | None:
    """Return the calls as JSON, an array each: model, tokens in and out, estimated, outcome, seconds twice."""
    if not calls:
        return None
    return _encode(
        [
            (
                call.model,
                call.usage.input_tokens,
                call.usage.output_tokens,
                call.usage.estimated,
                call.outcome,
                call.seconds,
                call.first_token_seconds,
            )
            for call in calls
        ]
    ).decode()
