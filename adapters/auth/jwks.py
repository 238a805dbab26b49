"""Tokens signed by an issuer that publishes its keys as a JSON Web Key Set, such as Better Auth's."""

import time
from collections.abc import Callable

from adapters.auth.bearer import required_bearer_token
from adapters.auth.claims import Expectation, principal_of
from adapters.auth.clock import Clock, utc_now
from adapters.auth.key_set import ALGORITHMS, KeySet
from adapters.auth.key_set_cache import KeySetCache
from adapters.auth.key_set_fetch import KeySetFetch
from adapters.auth.memory import Memory
from adapters.auth.signature import Header, SignatureCheck, header_of
from chatcore.errors import Unauthenticated
from chatcore.ports.authenticator import Authenticator, Credentials
from chatcore.principal import Principal


class JwksAuthenticator(Authenticator):
    """Believes tokens signed with a key that the issuer publishes now.

    A token that was believed once is remembered until it expires or the key set changes.
    """

    def __init__(
        self,
        url: str,
        *,
        issuer: str | None = None,
        audience: str | None = None,
        now: Clock = utc_now,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take the key set's address, the `iss` and `aud` that a token must have where set, and two clocks.

        Where no audience is set none is judged: an issuer always names one, and its address says enough
        about whose tokens are meant to let them in.

        Raises:
            ValueError: the address is neither https nor on this machine.
        """
        self._fetch = KeySetFetch(url)
        self._cache = KeySetCache(self._fetch, monotonic=monotonic)
        self._expected = Expectation(issuer=issuer, audiences=frozenset({audience}) if audience else None)
        self._now = now
        self._signatures = SignatureCheck(ALGORITHMS)
        self._believed = Memory[Principal]()
        self._believed_by: KeySet | None = None

    async def open(self) -> None:
        """Get ready to fetch."""
        await self._fetch.open()

    async def close(self) -> None:
        """Stop fetching and close the connections."""
        await self._cache.close()
        await self._fetch.close()

    async def authenticate(self, credentials: Credentials) -> Principal:
        """Return who is calling."""
        token = required_bearer_token(credentials)
        header = header_of(token)
        if header.alg not in ALGORITHMS:
            raise Unauthenticated("the token is signed by another algorithm")
        key_set, now = await self._key_set_for(header), self._now().timestamp()
        if key_set is not self._believed_by:
            self._believed.clear()
            self._believed_by = key_set
        return self._believed.recall(token, now) or self._verified(token, header, key_set, now)

    async def _key_set_for(self, header: Header) -> KeySet:
        key_set = await self._cache.current()
        known = key_set.find(header.kid, header.alg) is not None
        return key_set if known else await self._cache.settled()

    def _verified(self, token: str, header: Header, key_set: KeySet, now: float) -> Principal:
        key = key_set.find(header.kid, header.alg)
        if key is None:
            raise Unauthenticated("the token is signed with a key that its issuer does not publish")
        payload = self._signatures.payload(token, key, header.alg)
        principal, until = principal_of(payload, self._expected, "jwks", now)
        self._believed.keep(token, principal, until)
        return principal
