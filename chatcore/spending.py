"""What a user has spent, by days of UTC."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

DAYS = 30
"""Days that an account of what was spent goes back, today included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DaysCalls:
    """What the calls of a model cost on one day, in tokens; estimates of lost calls are among them."""

    day: date
    calls: int
    input_tokens: int
    output_tokens: int

    @property
    def tokens(self) -> int:
        """Both together."""
        return self.input_tokens + self.output_tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending:
    """What a user has spent lately: `days` from the ledger, newest first, those on which a model was called.

    `counted` is what counts against a budget of today, `reserved` what running turns may come to cost of it;
    both are 0 where none has bounded the user today.
    """

    today: date
    counted: int
    reserved: int
    days: tuple[DaysCalls, ...]

    def spent(self, *, bounded: bool) -> int:
        """Return today's tokens: those that count against a budget where one bounds, else all of the ledger.

        They differ where a turn ran past midnight, and on the day on which the budget was set.
        """
        if bounded:
            return self.counted
        return sum(day.tokens for day in self.days if day.day == self.today)

    @property
    def renews_at(self) -> datetime:
        """When the next day begins."""
        return datetime.combine(self.today + timedelta(days=1), datetime.min.time(), UTC)
