"""The port to a user as a whole, whatever conversations there are."""

from abc import abstractmethod
from typing import Protocol

from chatcore.spending import Spending


class AccountStore(Protocol):
    """Knows users as a whole; raises DatabaseUnavailable where it cannot be reached."""

    @abstractmethod
    async def erase(self, owner: str) -> bool:
        """Forget everything of a user, and return whether there was anything.

        A turn that runs loses its lease, and what it cost is kept nowhere. Who has much is forgotten bit by
        bit: where DatabaseUnavailable is raised, some of it may be gone, and the same call goes on with the
        rest. Whatever the user begins afterwards is a new user's.
        """

    @abstractmethod
    async def usage(self, owner: str) -> Spending:
        """Return what a user has spent in the last days, which is nothing where the user is not known.

        Turns whose lease ran out are written off first.
        """
