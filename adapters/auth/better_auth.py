"""Sessions of Better Auth: its signed cookie, and the same signed token as a bearer token."""

import hashlib
import hmac
import time
from base64 import b64encode
from collections.abc import Callable, Iterable
from urllib.parse import unquote

from adapters.auth.bearer import LONGEST_TOKEN, bearer_token
from adapters.auth.clock import Clock, utc_now
from adapters.auth.lookups import Lookups
from chatcore.errors import Forbidden, InvalidRequest, Unauthenticated
from chatcore.ports.authenticator import Authenticator, Credentials
from chatcore.ports.sign_in_lookup import SignIn, SignInLookup
from chatcore.principal import Principal

COOKIES = ("__Secure-better-auth.session_token", "better-auth.session_token")
"""The session cookie's names; the first one can only have been set over https, so it goes first."""


class BetterAuthAuthenticator(Authenticator):
    """Believes session tokens that Better Auth signed and whose session is still in its tables.

    The signature is checked first, so nobody without the secret can make us ask the database. A token
    without signature, as Better Auth's sign-in also returns one, is refused: it stands in the database as it
    is, and reading that must not be enough to sign in.

    With a cookie, a request that names an origin has to come from an allowed one. A request that names none
    is let in: browsers name it on every request across origins and on every one that changes something, so
    what comes without is no browser that another site has sent.
    """

    def __init__(
        self,
        secret: str,
        look_up: SignInLookup,
        *,
        origins: Iterable[str],
        now: Clock = utc_now,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take Better Auth's secret, the look-up in its tables, the allowed origins, and two clocks.

        Raises:
            ValueError: the secret is empty.
        """
        if not secret:
            raise ValueError("must not be empty")
        self._secret = secret.encode()
        self._look_up = look_up
        self._origins = frozenset(origin.rstrip("/").lower() for origin in origins)
        self._now = now
        self._lookups = Lookups[SignIn | None](monotonic=monotonic)

    async def authenticate(self, credentials: Credentials) -> Principal:
        """Return who is calling."""
        bearer = bearer_token(credentials)
        if bearer is not None:
            return await self._principal(bearer)
        principal = await self._principal(_cookie(credentials))
        if credentials.origin is not None and credentials.origin.lower() not in self._origins:
            raise Forbidden("a cookie is not accepted from this origin")
        return principal

    async def _principal(self, signed: str) -> Principal:
        token = self._opened(signed)
        sign_in = await self._lookups.ask(signed, lambda: self._look_up(token))
        if sign_in is None or sign_in.expires_at <= self._now():
            raise Unauthenticated("the session has ended")
        try:
            return Principal(user_id=sign_in.user_id, method="better-auth")
        except InvalidRequest:
            raise Unauthenticated("the session's user has an id that is not possible here") from None

    def _opened(self, signed: str) -> str:
        """Return the session token inside a signed one: `token.base64(HMAC-SHA256(secret, token))`."""
        if len(signed) > LONGEST_TOKEN:
            raise Unauthenticated("the session token is malformed")
        token, dot, signature = unquote(signed).rpartition(".")
        if not (token and dot and token.isascii() and token.isprintable()):
            raise Unauthenticated("the session token is malformed")
        right = b64encode(hmac.digest(self._secret, token.encode(), hashlib.sha256))
        if not hmac.compare_digest(right, signature.encode(errors="replace")):
            raise Unauthenticated("the session token's signature is not valid")
        return token


def _cookie(credentials: Credentials) -> str:
    for name in COOKIES:
        if name in credentials.cookies:
            return credentials.cookies[name]
    raise Unauthenticated("a valid token is required")
