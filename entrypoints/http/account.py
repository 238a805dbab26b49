"""A user as a whole: what was spent, and everything forgotten."""

from collections.abc import Sequence

from litestar import delete, route
from litestar.handlers import HTTPRouteHandler
from litestar.types import ASGIApp

from chatcore.erasure import Erasure
from chatcore.ports.account_store import AccountStore
from chatcore.principal import Scope
from entrypoints.http import wire
from entrypoints.http.doorman import AnyRequest, Doorman
from entrypoints.http.paths import READ
from entrypoints.http.replies import NO_STORE, Reply
from entrypoints.http.routes import Routes

_USER = "/api/{user_id:str}"


class AccountRoutes(Routes):
    """Shows users what they spent, and forgets them where they wish it."""

    def __init__(
        self, accounts: AccountStore, erasure: Erasure, doorman: Doorman, daily_tokens: int | None
    ) -> None:
        """Take where users are known, who forgets them, who lets in, and the tokens of a user's day."""
        self._accounts = accounts
        self._erasure = erasure
        self._doorman = doorman
        self._daily_tokens = daily_tokens

    def routes(self) -> Sequence[HTTPRouteHandler]:
        """Return the handlers."""
        # Erasing answers 204 by itself: registered as 204, Litestar would allow it no result, and so no response.
        return [
            route(f"{_USER}/usage", http_method=READ, status_code=200)(self.usage),
            delete(_USER, status_code=200)(self.erase),
        ]

    async def usage(self, request: AnyRequest) -> ASGIApp:
        """Show what the user has spent."""
        spending = await self._accounts.usage(await self._doorman.owner(request))
        return Reply.json(wire.encode(wire.spending_view(spending, self._daily_tokens)))

    async def erase(self, request: AnyRequest) -> ASGIApp:
        """Forget everything of the user, which is as true if nothing was known."""
        await self._erasure.erase(await self._doorman.owner(request, Scope.ERASE))
        return Reply(204, b"", (NO_STORE,))
