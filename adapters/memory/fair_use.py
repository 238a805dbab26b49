"""Rates, budgets of tokens and the ledger in memory, by the same rules as in a database."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from chatcore.errors import TokenBudgetExhausted
from chatcore.fair_use import Allowance, FairUse, Limit, allowance_left, charged, spendable
from chatcore.ports.language_model import ModelCall


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """A call of a provider, and when it was written down."""

    call: ModelCall
    at: datetime


@dataclass(slots=True)
class TokenDay:
    """What an owner has spent on a day, and what running turns have reserved."""

    reserved: int = 0
    spent: int = 0


@dataclass(slots=True)
class Account:
    """What one owner has cost."""

    ledger: dict[tuple[UUID, int, int], LedgerRow] = field(default_factory=dict)
    days: dict[date, TokenDay] = field(default_factory=dict)

    def record(self, turn_id: UUID, attempt: int, calls: Sequence[ModelCall], at: datetime) -> int:
        """Write an attempt's calls down and return the tokens of those that were not there yet."""
        tokens = 0
        for ordinal, call in enumerate(calls, 1):
            if (turn_id, attempt, ordinal) not in self.ledger:
                self.ledger[turn_id, attempt, ordinal] = LedgerRow(call, at)
                tokens += call.usage.input_tokens + call.usage.output_tokens
        return tokens

    def reserve(self, day: date, tokens: int, daily: int, seconds_left: float) -> None:
        """Reserve tokens of a day.

        Raises:
            TokenBudgetExhausted: there are not enough left.
        """
        self.check(day, tokens, daily, seconds_left)
        self.days.setdefault(day, TokenDay()).reserved += tokens

    def check(self, day: date, tokens: int, daily: int, seconds_left: float) -> None:
        """Return where so many tokens of a day could be reserved.

        Raises:
            TokenBudgetExhausted: there are not enough left.
        """
        now = self.days.get(day, TokenDay())
        if not spendable(estimate=tokens, daily=daily, spent=now.spent, reserved=now.reserved):
            raise TokenBudgetExhausted.until_midnight(seconds_left)

    def settle(self, day: date | None, reserved: int, tokens: int) -> None:
        """Put what was spent in the place of what was reserved, where a budget bounds the owner."""
        if day is not None and day in self.days:
            self.days[day].reserved -= reserved
            self.days[day].spent += tokens


class Rates:
    """When each subject's allowance will be whole again."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        """Take a clock that tells the time with its zone."""
        self._clock = clock
        self.whole_at: dict[str, datetime] = {}

    def charge(self, owner: str, fair_use: FairUse) -> Allowance | None:
        """Count one question, and return what is left to its owner where a rate bounds it.

        Raises:
            RateLimited: there may be none now; nothing is counted then.
        """
        after = self.check(owner, fair_use)
        self.whole_at.update(after)
        if fair_use.rate is None:
            return None
        return allowance_left(fair_use.rate, after[owner] - self._clock())

    def check(self, owner: str, fair_use: FairUse) -> dict[str, datetime]:
        """Return when the allowances would be whole again after one more question.

        Raises:
            RateLimited: there may be none now.
        """
        own = [] if fair_use.rate is None else [Limit(subject=owner, rate=fair_use.rate)]
        limits = own if fair_use.address is None else [*own, fair_use.address]
        now = self._clock()
        return {
            limit.subject: charged(limit.rate, self.whole_at.get(limit.subject, now), now) for limit in limits
        }


def day_of(moment: datetime) -> date:
    """Return the day of UTC that a moment lies on."""
    return moment.astimezone(UTC).date()


def seconds_left(moment: datetime) -> float:
    """Return for how many seconds the day of UTC that a moment lies on still lasts."""
    midnight = datetime.combine(day_of(moment) + timedelta(days=1), datetime.min.time(), UTC)
    return (midnight - moment).total_seconds()
