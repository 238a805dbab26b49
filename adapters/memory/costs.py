"""What the steps of a turn cost their owner, in memory: what is reserved, settled and put into the ledger."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from adapters.memory.fair_use import TokenDay, day_of, seconds_left
from adapters.memory.state import Belongings, MemoryState, TurnRecord
from chatcore.fair_use import REPLY_ALLOWANCE
from chatcore.ports.language_model import ModelCall
from chatcore.ports.turn_store import Lease, Opening
from chatcore.prompt import estimated_tokens
from chatcore.turn import TurnStatus, Usage


def check(state: MemoryState, mine: Belongings, opening: Opening) -> None:
    """Return where nothing bounds this question, as far as can be known before its conversation is.

    Raises:
        ChatError: a rate or the day's budget refuses it; nothing is counted.
    """
    now, daily_tokens = state.clock(), opening.fair_use.daily_tokens
    if daily_tokens is not None:
        least = opening.prompt_tokens + REPLY_ALLOWANCE
        mine.account.check(day_of(now), least, daily_tokens, seconds_left(now))
    state.rates.check(opening.owner, opening.fair_use)


def reserve(state: MemoryState, mine: Belongings, record: TurnRecord, daily_tokens: int | None) -> None:
    """Reserve what a new turn is estimated to cost, where a budget bounds its owner.

    Raises:
        TokenBudgetExhausted: there is not enough left.
    """
    if daily_tokens is None:
        return
    now = state.clock()
    record.budget_day, record.reserved = day_of(now), record.prompt_tokens + REPLY_ALLOWANCE
    mine.account.reserve(record.budget_day, record.reserved, daily_tokens, seconds_left(now))


def reserve_again(mine: Belongings, record: TurnRecord, at: datetime) -> None:
    """Reserve the same for another attempt: what was begun is gone on with, whatever is left of the day."""
    if record.budget_day is not None:
        record.budget_day = day_of(at)
        mine.account.days.setdefault(record.budget_day, TokenDay()).reserved += record.reserved


def settle(mine: Belongings, record: TurnRecord, calls: Sequence[ModelCall], at: datetime) -> None:
    """Write down what an attempt has cost."""
    tokens = mine.account.record(record.id, record.attempt, calls, at)
    mine.account.settle(record.budget_day, record.reserved, tokens)


def bill(mine: Belongings, lease: Lease, calls: Sequence[ModelCall], at: datetime) -> None:
    """Write down what an attempt has cost whose turn is not its own any more."""
    tokens = mine.account.record(lease.turn_id, lease.attempt, calls, at)
    mine.account.settle(day_of(at), 0, tokens)


def write_off(mine: Belongings, record: TurnRecord, at: datetime) -> None:
    """Write down what an attempt is estimated to have cost that nobody is left to tell of."""
    said = estimated_tokens(record.said())
    usage = Usage(input_tokens=record.prompt_tokens, output_tokens=said, estimated=True)
    settle(mine, record, [ModelCall(model="unknown", usage=usage, outcome="lost", seconds=0)], at)


def write_off_dead(state: MemoryState, mine: Belongings, conversation_id: UUID | None = None) -> bool:
    """Write down of a conversation's dead turns, or of an owner's, what every reader says already.

    Returns whether there were any.
    """
    dead = [r for r in mine.turns.values() if state.dead(r) and conversation_id in {None, r.conversation_id}]
    for record in dead:
        record.status, record.token = TurnStatus.INTERRUPTED, None
        write_off(mine, record, state.clock())
    return bool(dead)


def remembered(others: Sequence[TurnRecord], selected_text: str | None) -> int:
    """Return about how many tokens a prompt's history has: what the last turn cost is what it begins with."""
    if not others or selected_text is not None:
        return 0
    last = others[-1]
    return last.prompt_tokens if last.usage is None else last.usage.input_tokens + last.usage.output_tokens
