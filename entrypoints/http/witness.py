"""What is known of a request once it has ended, for its line and, where somebody acted who is known, for its row."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from uuid import UUID

from litestar.types import HTTPScope
from uuid_utils import uuid7

from chatcore.audit import AuditEntry
from chatcore.principal import LONGEST_USER_ID, Principal
from chatcore.trail import Trail
from entrypoints.http.address import Network, client_address
from entrypoints.http.problems import PROBLEMS

_AUTHENTICATED = "/api/"
_ERASURE = ("DELETE", "/api/{user_id}")
_OK, _REFUSED, _FORBIDDEN = 200, 400, 403


class Witness:
    """Sees who did what, from where. Words of people, queries, tokens and headers are not looked at."""

    def __init__(self, trail: Trail | None, trusted: Sequence[Network] = ()) -> None:
        """Take where rows go, None where none are wanted, and whose proxies are believed."""
        self._trail = trail
        self._trusted = trusted

    def address(self, scope: HTTPScope) -> str | None:
        """Return where a request came from, as far as that is known."""
        if self._trusted:
            address = client_address(scope, self._trusted)
            return None if address is None else str(address)
        client = scope["client"]
        return None if client is None else client[0]

    def resource(self, scope: HTTPScope, route: str) -> Mapping[str, str | UUID] | None:
        """Return the ids that a request to the authenticated door named, and those of the turn that it began.

        Those of the public door are secrets. Ids are chosen by the caller: they are cut where no id is as long,
        and escaped where they could break a line or write to a terminal.
        """
        if not route.startswith(_AUTHENTICATED):
            return None
        named: Mapping[str, str] = scope["path_params"]
        path = scope["path"]
        if len(path) > LONGEST_USER_ID or not path.isprintable():
            named = {name: _harmless(id_) for name, id_ in named.items()}
        accepted = scope["state"].get("accepted")
        return {**named, **(accepted or {})}

    def record(
        self,
        scope: HTTPScope,
        route: str,
        status: int,
        address: str | None,
        resource: Mapping[str, str | UUID] | None,
    ) -> None:
        """Have a row written, where somebody acted who is known.

        Whoever erases everything of theirs leaves the line and no row, which would make them known again.
        """
        principal: Principal | None = scope["state"].get("principal")
        if principal is None or resource is None or self._trail is None:
            return
        erasing = (scope["method"], route) == _ERASURE and resource["user_id"] == principal.user_id
        if not erasing or status == _FORBIDDEN:
            self._trail.record(_entry(scope, principal, route, status, address, resource))


def _entry(
    scope: HTTPScope,
    principal: Principal,
    route: str,
    status: int,
    address: str | None,
    resource: Mapping[str, str | UUID],
) -> AuditEntry:
    """Return the entry of a request that has ended, by position, which takes a third of the time."""
    state = scope["state"]
    problem: str | None = state.get("problem")
    return AuditEntry(
        str(uuid7()),
        datetime.now(UTC),
        principal.user_id,
        principal.method,
        f"{scope['method']} {route}",
        status,
        state["request_id"],
        resource,
        None if problem is None else problem.removeprefix(PROBLEMS),
        address,
        "accepted" in state or (_OK <= status < _REFUSED and len(resource) > 1),
    )


def _harmless(id_: str) -> str:
    cut = id_[:LONGEST_USER_ID]
    return cut if cut.isprintable() else repr(cut)[1:-1][:LONGEST_USER_ID]
