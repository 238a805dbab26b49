"""Tokens signed with a secret that issuer and server share: HMAC with SHA-256 (RFC 7518, section 3.2)."""

from datetime import timedelta

import jwt
from jwt.algorithms import HMACAlgorithm

from adapters.auth.bearer import required_bearer_token
from adapters.auth.claims import Expectation, principal_of
from adapters.auth.clock import Clock, utc_now
from adapters.auth.memory import Memory
from adapters.auth.signature import SignatureCheck
from chatcore.ports.authenticator import Authenticator, Credentials
from chatcore.principal import Principal, checked_user_id

SHORTEST_SECRET = 32
"""In bytes, as RFC 7518 has it: no shorter than the hash."""


class Hs256Authenticator(Authenticator):
    """Believes tokens that were signed with the secret.

    A token that was believed once is remembered until it expires: the same one comes with every request.
    """

    def __init__(
        self,
        secret: str,
        *,
        issuer: str | None = None,
        audience: str | None = None,
        now: Clock = utc_now,
    ) -> None:
        """Take the secret, the `iss` and `aud` that a token must have where set, and a clock.

        Raises:
            ValueError: the secret is shorter than 32 bytes, or is itself a public key.
        """
        self._secret = checked_secret(secret)
        self._expected = Expectation(issuer=issuer, audiences=frozenset({audience} if audience else ()))
        self._now = now
        self._signatures = SignatureCheck(("HS256",))
        self._believed = Memory[Principal]()

    async def authenticate(self, credentials: Credentials) -> Principal:
        """Return who is calling."""
        token, now = required_bearer_token(credentials), self._now().timestamp()
        known = self._believed.recall(token, now)
        if known is not None:
            return known
        payload = self._signatures.payload(token, self._secret, "HS256")
        principal, until = principal_of(payload, self._expected, "hs256", now)
        self._believed.keep(token, principal, until)
        return principal


def issue_token(
    secret: str,
    user: str,
    ttl: timedelta,
    *,
    issuer: str | None = None,
    audience: str | None = None,
    now: Clock = utc_now,
) -> str:
    """Return a token for a user that `Hs256Authenticator` believes until `ttl`, in whole seconds, from now.

    Raises:
        InvalidRequest: no user can have this id.
        ValueError: the secret is shorter than 32 bytes, or is itself a public key.
    """
    issued = int(now().timestamp())
    claims: dict[str, str | int] = {
        "sub": checked_user_id(user),
        "iat": issued,
        "exp": issued + int(ttl.total_seconds()),
    }
    claims |= {claim: name for claim, name in (("iss", issuer), ("aud", audience)) if name}
    return jwt.encode(claims, checked_secret(secret), algorithm="HS256")


def checked_secret(secret: str) -> bytes:
    """Return a secret's bytes.

    Raises:
        ValueError: it is shorter than 32 bytes, or is itself a public key.
    """
    key = secret.encode()
    if len(key) < SHORTEST_SECRET:
        raise ValueError(f"a secret has at least {SHORTEST_SECRET} bytes")
    try:
        return HMACAlgorithm(HMACAlgorithm.SHA256).prepare_key(key)
    except jwt.InvalidKeyError:
        raise ValueError("a public key is no secret") from None
