"""The port through which actions are kept and looked up again."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Protocol

from chatcore.audit import AuditEntry
from chatcore.conversation import Page


class AuditLog(Protocol):
    """Keeps entries of many owners at once, shows those of one; raises DatabaseUnavailable where it cannot.

    What was recorded is changed by nobody, and goes with its owner.
    """

    @abstractmethod
    async def record(self, entries: Sequence[AuditEntry]) -> None:
        """Keep entries, all or none; those whose id is kept already stay as they are.

        An owner who is not known is known from then on, unless the entry shows that they were before: then
        they were erased, and it is dropped. Everything in `resource` is text from then on. NUL and lone
        surrogates are replaced by U+FFFD.
        """

    @abstractmethod
    async def read(self, owner: str, *, limit: int, before: str | None) -> Page[AuditEntry]:
        """Return an owner's entries, newest first, those with ids below `before` where it is given.

        `next_key` is the id to give as `before` for the next page.
        """
