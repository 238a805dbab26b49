"""The audit log in memory."""

from collections.abc import Sequence

from adapters.memory.state import MemoryState
from chatcore.audit import AuditEntry
from chatcore.conversation import Page
from chatcore.ports.audit_log import AuditLog


class MemoryAuditLog(AuditLog):
    """Keeps what was done with everything else of its owner."""

    def __init__(self, state: MemoryState) -> None:
        """Take what is shared with the other stores of this process."""
        self._state = state

    async def record(self, entries: Sequence[AuditEntry]) -> None:
        """Keep entries; see the port."""
        known = {entry.owner for entry in entries if self._state.knows(entry.owner)}
        for entry in entries:
            if entry.owner in known or not entry.shows_known:
                self._state.known(entry.owner).audit.setdefault(
                    entry.id, entry.mended()._replace(shows_known=False)
                )

    async def read(self, owner: str, *, limit: int, before: str | None) -> Page[AuditEntry]:
        """Return an owner's entries, newest first; see the port."""
        newest = sorted(self._state.of(owner).audit.values(), key=lambda entry: entry.id, reverse=True)
        older = [entry for entry in newest if before is None or entry.id < before]
        page = tuple(older[:limit])
        return Page(entries=page, next_key=page[-1].id if len(older) > limit else None)
