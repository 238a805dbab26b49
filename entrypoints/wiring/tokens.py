"""Tokens that this installation signs itself."""

from datetime import timedelta

from adapters.auth.hs256 import issue_token
from entrypoints.development_key import signing_secret
from entrypoints.settings import Settings


def token_for(settings: Settings, user: str, ttl: timedelta) -> str | None:
    """Return a bearer token for a user, or None where this installation signs none.

    Raises:
        InvalidRequest: no user can have this id.
        OSError: the development key cannot be read or written.
    """
    secret = signing_secret(settings)
    if secret is None:
        return None
    return issue_token(secret, user, ttl, issuer=settings.auth_issuer, audience=settings.auth_audience)
