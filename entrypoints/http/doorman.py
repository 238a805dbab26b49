"""Says whose data a request may touch: the one place where 401 and 403 are decided."""

from typing import Any

from litestar import Request
from litestar.types import Scope as AsgiScope

from chatcore.ports.authenticator import Authenticator, Credentials
from chatcore.principal import Scope, checked_user_id

AnyRequest = Request[Any, Any, Any]
"""Litestar's three parameters are its own user, authentication and state; we use none of them."""

_READING = frozenset({"GET", "HEAD"})


class Doorman:
    """Lets in whoever is who the path says."""

    def __init__(self, authenticator: Authenticator) -> None:
        """Take who tells callers apart."""
        self._authenticator = authenticator

    async def owner(self, request: AnyRequest, scope: Scope | None = None) -> str:
        """Return whose data this request may touch: those of the path's user, who must be the caller.

        What a key must be for is told by the method, unless it is named.

        Raises:
            Unauthenticated: nobody can be told to be calling.
            InvalidRequest: the path names nobody.
            Forbidden: the path names somebody else, or the caller's key is not for this.
            DatabaseUnavailable: it could not be found out.
            Overloaded: too many others wait for that.
        """
        principal = await self._authenticator.authenticate(_credentials(request.scope))
        request.scope["state"]["principal"] = principal
        if scope is None:
            scope = Scope.READ if request.method in _READING else Scope.WRITE
        return principal.owner_as(checked_user_id(request.path_params["user_id"]), scope)


def _credentials(scope: AsgiScope) -> Credentials:
    authorization: list[str] = []
    cookies: dict[str, str] = {}
    origin = None
    for name, value in scope["headers"]:
        if name == b"authorization":
            authorization.append(value.decode("latin-1"))
        elif name == b"cookie":
            _read_cookies(value.decode("latin-1"), cookies)
        elif name == b"origin":
            origin = value.decode("latin-1")
    return Credentials(authorization=tuple(authorization), cookies=cookies, origin=origin)


def _read_cookies(line: str, cookies: dict[str, str]) -> None:
    """Add the cookies of one line; of two with the same name the first counts (RFC 6265, section 5.4)."""
    for pair in line.split(";"):
        name, separator, value = pair.strip().partition("=")
        if separator:
            cookies.setdefault(name, value.strip('"'))
