"""Forget a user: what is stored, and what runs at this moment."""

from collections.abc import Callable

from chatcore.ports.account_store import AccountStore


class Erasure:
    """Forgets users, whichever door it was asked through."""

    def __init__(self, *, accounts: AccountStore, stop: Callable[[str], None]) -> None:
        """Take where users are known, and who stops all turns of an owner that run in this process."""
        self._accounts = accounts
        self._stop = stop

    async def erase(self, owner: str) -> bool:
        """Forget everything of a user, and return whether there was anything; nothing brings it back.

        Turns that run here stop at once, those of other processes with their next beat. They find their
        lease lost and record nothing, so the order is this one: stopped first, they would have time to.

        Raises:
            DatabaseUnavailable: some of it may be gone; the same call goes on with the rest.
        """
        erased = await self._accounts.erase(owner)
        self._stop(owner)
        return erased
