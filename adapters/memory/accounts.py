"""Users as a whole in memory."""

from adapters.memory.api_keys import MemoryApiKeyStore
from adapters.memory.state import MemoryState
from chatcore.ports.account_store import AccountStore


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
