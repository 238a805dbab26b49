"""API keys as bearer tokens."""

import time
from collections.abc import Callable

from adapters.auth.bearer import required_bearer_token
from adapters.auth.clock import Clock, utc_now
from adapters.auth.lookups import Lookups
from chatcore.api_key import ApiKey, ApiKeyText
from chatcore.errors import Unauthenticated
from chatcore.ports.api_key_store import ApiKeyStore
from chatcore.ports.authenticator import Authenticator, Credentials
from chatcore.principal import Principal


class ApiKeyAuthenticator(Authenticator):
    """Believes API keys that are recorded, not revoked and not expired."""

    def __init__(
        self,
        store: ApiKeyStore,
        *,
        now: Clock = utc_now,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take where keys are kept, and two clocks."""
        self._store = store
        self._now = now
        self._lookups = Lookups[ApiKey | None](monotonic=monotonic)

    async def authenticate(self, credentials: Credentials) -> Principal:
        """Return who is calling."""
        text = ApiKeyText.parse(required_bearer_token(credentials))
        if text is None:
            raise Unauthenticated("the API key is malformed")
        key = await self._lookups.ask(text.text, lambda: self._store.use(text, self._now()))
        if key is None or not key.valid_at(self._now()):
            raise Unauthenticated("the API key is not valid")
        return Principal(user_id=key.owner, method="api-key", scopes=key.scopes)
