"""A user as a whole: forgotten."""

from collections.abc import Sequence

from litestar import delete
from litestar.handlers import HTTPRouteHandler
from litestar.types import ASGIApp

from chatcore.erasure import Erasure
from entrypoints.http.doorman import AnyRequest, Doorman
from entrypoints.http.replies import NO_STORE, Reply
from entrypoints.http.routes import Routes

_USER = "/api/{user_id:str}"


class AccountRoutes(Routes):
    """Does what a user wishes done to everything of theirs."""

    def __init__(self, erasure: Erasure, doorman: Doorman) -> None:
        """Take who forgets users, and who lets in."""
        self._erasure = erasure
        self._doorman = doorman

    def routes(self) -> Sequence[HTTPRouteHandler]:
        """Return the handlers."""
        return [delete(_USER, status_code=200)(self.erase)]  # 204, which Litestar wants no result for

    async def erase(self, request: AnyRequest) -> ASGIApp:
        """Forget everything of the user, which is as true if nothing was known."""
        await self._erasure.erase(await self._doorman.owner(request))
        return Reply(204, b"", (NO_STORE,))
