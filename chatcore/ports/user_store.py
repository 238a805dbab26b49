"""The port through which a user's data leaves and comes back."""

from abc import abstractmethod
from collections.abc import AsyncGenerator, AsyncIterable, Callable
from typing import Protocol

Progress = Callable[[int], None]
"""Told how many lines have passed so far, every now and then and at the end."""


class UserNotFound(Exception):
    """Nothing is known of this user."""


class UserExists(Exception):
    """There is data of this user already, and none of it is overwritten."""


class UnreadableExport(Exception):
    """The lines are no whole export; says which line, counted from one, and what is wrong with it."""


def no_progress(lines: int) -> None:
    """Tell nobody."""
    del lines


class UserStore(Protocol):
    """Moves everything of one user; raises DatabaseUnavailable where the store cannot be reached.

    An export is lines of JSON: a header with the format's version, a line per record, and an end that counts
    and seals them, so that one which was cut short or altered is not taken for whole. Ids, times, order and
    idempotency keys are kept; secrets and leases are not in it.
    """

    @abstractmethod
    def export(self, owner: str, progress: Progress = no_progress) -> AsyncGenerator[bytes, None]:
        """Yield a user's data as of one instant, line by line, each without its line end.

        Memory does not grow with the amount of data. Whoever stops early closes the generator.

        Raises:
            UserNotFound: nothing is known of this user.
        """

    @abstractmethod
    async def import_(self, owner: str, lines: AsyncIterable[bytes], progress: Progress = no_progress) -> int:
        """Record an export as this user's data, whosever it was, all or nothing; return how many lines it had.

        Raises:
            UserExists: there is data of this user already.
            UnreadableExport: a line is not what it should be, or the export is not whole.
        """
