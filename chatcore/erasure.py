"""Forget a user: what is stored, what runs at this moment, and what is still on its way into the audit log."""

import asyncio
from collections.abc import Awaitable, Callable

from chatcore.ports.account_store import AccountStore
from chatcore.trail import Gathering

LATE = Gathering().pause + 0.3
"""Seconds after which a process that reaches the database has written what it had gathered of a user when the user
was forgotten: how long it gathers, and a while to write. One that is cut off at that moment writes later.
"""


class Erasure:
    """Forgets users, whichever door it was asked through."""

    def __init__(
        self,
        *,
        accounts: AccountStore,
        stop: Callable[[str], None],
        flush: Callable[[], Awaitable[None]],
        late: float = LATE,
    ) -> None:
        """Take where users are known, who stops all turns of an owner that run in this process, who writes at
        once what this process has gathered of them, and how long other processes gather, in seconds.
        """
        self._accounts = accounts
        self._stop = stop
        self._flush = flush
        self._late = late

    async def erase(self, owner: str) -> bool:
        """Forget everything of a user, and return whether there was anything; nothing brings it back.

        Turns that run here stop at once, those of other processes with their next beat. They find their
        lease lost and record nothing, so the order is this one: stopped first, they would have time to.
        What the user did just before is on its way into the audit log and would make them known again, so
        what is here is written first, what other processes have is waited for, and all is forgotten twice.
        A process that cannot reach the database for so long may still write a refusal of that time afterwards.

        Raises:
            DatabaseUnavailable: some of it may be gone; the same call goes on with the rest.
        """
        await self._flush()
        erased = await self._accounts.erase(owner)
        self._stop(owner)
        await asyncio.sleep(self._late)
        await self._flush()
        return await self._accounts.erase(owner) or erased
