"""Users as a whole in memory."""

from datetime import timedelta

from adapters.memory import costs
from adapters.memory.api_keys import MemoryApiKeyStore
from adapters.memory.fair_use import TokenDay, day_of
from adapters.memory.state import MemoryState
from chatcore.ports.account_store import AccountStore
from chatcore.spending import DAYS, DaysCalls, Spending


class MemoryAccountStore(AccountStore):
    """Knows users by what the stores of this process have of them."""

    def __init__(self, state: MemoryState, keys: MemoryApiKeyStore) -> None:
        """Take what is shared with the other stores of this process, and the API keys."""
        self._state = state
        self._keys = keys

    async def erase(self, owner: str) -> bool:
        """Forget everything of a user; see the port."""
        keys = self._keys.erase(owner)
        return self._state.erase(owner) or keys

    async def usage(self, owner: str) -> Spending:
        """Return what a user has spent; see the port."""
        mine = self._state.of(owner)
        costs.write_off_dead(self._state, mine)
        account, today = mine.account, day_of(self._state.clock())
        lately = [row for row in account.ledger.values() if day_of(row.at) > today - timedelta(days=DAYS)]
        budget = account.days.get(today, TokenDay())
        days = []
        for day in sorted({day_of(row.at) for row in lately}, reverse=True):
            usages = [row.call.usage for row in lately if day_of(row.at) == day]
            asked = sum(usage.input_tokens for usage in usages)
            said = sum(usage.output_tokens for usage in usages)
            days.append(DaysCalls(day=day, calls=len(usages), input_tokens=asked, output_tokens=said))
        return Spending(today=today, counted=budget.spent, reserved=budget.reserved, days=tuple(days))
