"""What is kept of each authenticated action: who did what to which resource, and how it ended."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from chatcore.text import mended


class AuditEntry(NamedTuple):
    """One action of somebody who is known; a tuple, because one is made for each request.

    `id` is a UUIDv7 in its canonical form, so that entries are in order of time by it. It is text because an
    object of it would take longer to make than all the rest. The owner is who acted, which a foreign resource
    does not change. `resource` has the ids that the action named, as they were given and therefore of no certain
    form; never words that people wrote. `method` is how the caller was authenticated, `problem` the slug of what
    was refused or failed.

    `shows_known` says that the action can only have ended like this if the owner was known when it began: a
    turn was accepted, say. If they are known no longer they were erased meanwhile, and such an entry does not
    make them known again. It is not kept.
    """

    id: str
    at: datetime
    owner: str
    method: str
    action: str
    status: int
    request_id: str
    resource: Mapping[str, str | UUID]
    problem: str | None = None
    address: str | None = None
    shows_known: bool = False

    def mended(self) -> "AuditEntry":
        """Return the entry with NUL and lone surrogates replaced by U+FFFD, its resource all text."""
        return self._replace(
            method=mended(self.method),
            action=mended(self.action),
            request_id=mended(self.request_id),
            resource={mended(name): mended(str(id_)) for name, id_ in self.resource.items()},
            problem=None if self.problem is None else mended(self.problem),
            address=None if self.address is None else mended(self.address),
        )
