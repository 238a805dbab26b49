"""Who may call, by everything that the settings allow at the same time."""

from collections.abc import Iterable

from adapters.auth.api_keys import ApiKeyAuthenticator
from adapters.auth.better_auth import BetterAuthAuthenticator
from adapters.auth.clock import utc_now
from adapters.auth.dispatch import AuthenticatorByShape
from adapters.auth.hs256 import Hs256Authenticator
from adapters.postgres.better_auth import BetterAuthSignIns
from adapters.postgres.database import Database
from chatcore.ports.api_key_store import ApiKeyStore
from chatcore.ports.authenticator import Authenticator
from entrypoints.development_key import signing_secret
from entrypoints.settings import Settings


def key_set(settings: Settings) -> Authenticator | None:
    """Return who believes asymmetric tokens, where a key set is named; it is to be opened and closed."""
    if settings.auth_jwks_url is None:
        return None
    # Here and not above: it brings an HTTP client of a quarter of a second, which few need.
    from adapters.auth.jwks import JwksAuthenticator  # noqa: PLC0415

    return JwksAuthenticator(
        settings.auth_jwks_url, issuer=settings.auth_issuer, audience=settings.auth_audience
    )


def authenticator(
    settings: Settings,
    key_set: Authenticator | None,
    sign_ins: Database | None,
    api_keys: ApiKeyStore,
) -> Authenticator:
    """Return who tells callers apart; `sign_ins` is the database that Better Auth writes to."""
    return AuthenticatorByShape(
        secret=_symmetric(settings),
        key_set=key_set,
        sessions=_sessions(settings, sign_ins, settings.origins),
        api_keys=ApiKeyAuthenticator(api_keys, now=utc_now),
    )


def _symmetric(settings: Settings) -> Authenticator | None:
    secret = signing_secret(settings)
    if secret is None:
        return None
    return Hs256Authenticator(secret, issuer=settings.auth_issuer, audience=settings.auth_audience)


def _sessions(settings: Settings, sign_ins: Database | None, origins: Iterable[str]) -> Authenticator | None:
    if settings.better_auth_secret is None or sign_ins is None:
        return None
    look_up = BetterAuthSignIns(sign_ins)
    return BetterAuthAuthenticator(settings.better_auth_secret, look_up, origins=origins, now=utc_now)
