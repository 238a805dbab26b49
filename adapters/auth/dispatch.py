"""Sends each request to the one authenticator that its credentials are for, judged by their shape alone.

No credential is tried on two authenticators: what one of them refuses is refused.
"""

from adapters.auth.bearer import bearer_token
from adapters.auth.signature import header_of
from chatcore.api_key import PREFIX as API_KEY_PREFIX
from chatcore.errors import Unauthenticated
from chatcore.ports.authenticator import Authenticator, Credentials
from chatcore.principal import Principal

SYMMETRIC = frozenset({"HS256"})


class AuthenticatorByShape(Authenticator):
    """One authenticator made of several, each responsible for credentials of its own shape.

    - no Authorization header: the session cookie
    - `ck_…`: an API key
    - three parts with dots between them: a token, HS256 with the secret and all else with the key set
    - two parts: a signed session token

    A header goes before a cookie, and where it is refused the cookie does not help.
    """

    def __init__(
        self,
        *,
        secret: Authenticator | None = None,
        key_set: Authenticator | None = None,
        sessions: Authenticator | None = None,
        api_keys: Authenticator | None = None,
    ) -> None:
        """Take the authenticators that are configured; credentials for another are refused."""
        self._secret = secret
        self._key_set = key_set
        self._sessions = sessions
        self._api_keys = api_keys

    async def authenticate(self, credentials: Credentials) -> Principal:
        """Return who is calling."""
        token = bearer_token(credentials)
        responsible = self._sessions if token is None else self._responsible_for(token)
        if responsible is None:
            raise Unauthenticated("a valid token is required")
        return await responsible.authenticate(credentials)

    def _responsible_for(self, token: str) -> Authenticator | None:
        if token.startswith(API_KEY_PREFIX):
            return self._api_keys
        dots = token.count(".")
        if dots == 1:
            return self._sessions
        if dots != 2:  # noqa: PLR2004 - header, payload and signature
            return None
        return self._secret if header_of(token).alg in SYMMETRIC else self._key_set
