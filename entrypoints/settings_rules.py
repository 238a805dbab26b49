"""What must hold between settings; each fault names the variable to mend, and none quotes a secret. Pure."""

import re
from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from urllib.parse import parse_qs, urlsplit

from entrypoints.settings import Provider, Settings

SHORTEST_SECRET = 32
_OF_DOMAINS_AND_ADDRESSES = frozenset(".:%")
_PUBLIC_KEYS = ("ssh-", "ecdsa-")
_ENCRYPTED = {"require", "verify-ca", "verify-full"}
_ORIGIN = re.compile(r"https?://[A-Za-z0-9.\-]+(:[0-9]{1,5})?|https?://\[[0-9A-Fa-f:.]+\](:[0-9]{1,5})?")


def faults(settings: Settings) -> Iterator[str]:
    """Yield everything that does not fit together."""
    yield from _authentication(settings)
    yield from _model(settings)
    yield from _urls(settings)
    yield from _networks(settings)
    if settings.production:
        yield from _exposure(settings)


def _authentication(settings: Settings) -> Iterator[str]:
    if settings.production and not settings.authentication:
        yield (
            "CHATCORE_ENV: production needs an explicit authentication setting: set AUTH_JWT_SECRET, "
            "AUTH_JWKS_URL or BETTER_AUTH_SECRET"
        )
    secret = settings.auth_jwt_secret
    if secret is not None and len(secret.encode()) < SHORTEST_SECRET:
        yield f"AUTH_JWT_SECRET: has less than {SHORTEST_SECRET} bytes; make one with `openssl rand -base64 48`"
    if secret is not None and ("-----BEGIN " in secret or secret.startswith(_PUBLIC_KEYS)):
        yield "AUTH_JWT_SECRET: is a public key, which is no secret; name a key set in AUTH_JWKS_URL instead"
    if settings.better_auth_secret is not None and settings.sessions_url is None:
        yield "BETTER_AUTH_SECRET: needs BETTER_AUTH_DATABASE_URL, where its sessions are"
    if settings.better_auth_secret is None and settings.better_auth_database_url is not None:
        yield "BETTER_AUTH_DATABASE_URL: needs BETTER_AUTH_SECRET, which signs the sessions' cookies"


def _model(settings: Settings) -> Iterator[str]:
    if settings.provider is Provider.OPENAI and not (settings.openai_api_key or settings.openai_base_url):
        yield "CHATCORE_LLM: openai needs OPENAI_API_KEY, or OPENAI_BASE_URL of an endpoint without keys"
    if settings.provider is Provider.GEMINI and settings.gemini_api_key is None:
        yield "CHATCORE_LLM: gemini needs GEMINI_API_KEY"


def _urls(settings: Settings) -> Iterator[str]:
    for variable, url in _databases(settings):
        if url is not None and not url.startswith(("postgresql://", "postgres://")):
            yield f"{variable}: must begin with postgresql://"
    for variable, url in (
        ("OPENAI_BASE_URL", settings.openai_base_url),
        ("AUTH_JWKS_URL", settings.auth_jwks_url),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", settings.otlp_endpoint),
    ):
        if url is not None and _host(url) is None:
            yield f"{variable}: must be a URL that begins with https:// or http://"
    keys = settings.auth_jwks_url or ""
    if keys.lower().startswith("http://") and (host := _host(keys)) is not None and not _is_this_machine(host):
        yield "AUTH_JWKS_URL: must be https, or http on this machine; keys could be exchanged on the way"
    for origin in settings.frontend_url:
        if not _ORIGIN.fullmatch(origin):
            yield f"FRONTEND_URL: {origin!r} is no origin; write it like https://app.example.com"


def _networks(settings: Settings) -> Iterator[str]:
    for network in settings.trusted_proxies:
        try:
            ip_network(network)
        except ValueError:
            yield f"CHATCORE_TRUSTED_PROXIES: {network!r} is no network; write it like 10.0.0.0/8"


def _exposure(settings: Settings) -> Iterator[str]:
    models = settings.openai_base_url or ""
    if models.lower().startswith("http://") and not is_near(_host(models)):
        yield "OPENAI_BASE_URL: production wants https"
    for variable, url in _databases(settings):
        if url is not None and not _is_safe(url):
            yield f"{variable}: production wants TLS; add sslmode=require, or better verify-full"


def _databases(settings: Settings) -> tuple[tuple[str, str | None], ...]:
    return (
        ("DATABASE_URL", settings.database_url),
        ("DATABASE_URL_UNPOOLED", settings.database_url_unpooled),
        ("DATABASE_URL_BACKUP", settings.database_url_backup),
        ("BETTER_AUTH_DATABASE_URL", settings.better_auth_database_url),
    )


def _is_safe(database_url: str) -> bool:
    try:
        parts = urlsplit(database_url)
        options = parse_qs(parts.query)
        hosts = [
            parts.hostname or "",
            *(host for given in options.get("host", ()) for host in given.split(",")),
        ]
    except ValueError:
        return True  # not a URL that can be read here: the driver will say so
    encrypted = not _ENCRYPTED.isdisjoint(options.get("sslmode", ()))
    return encrypted or all(host.startswith("/") or is_near(host) for host in hosts)


def is_near(host: str | None) -> bool:
    """Return whether a host can only be this machine or a neighbour in a private network of containers.

    A name without a dot is such a neighbour: the public name service has none. No host is this machine.
    """
    if not host or host.endswith(".localhost") or _is_this_machine(host):
        return True
    return _OF_DOMAINS_AND_ADDRESSES.isdisjoint(host)


def _is_this_machine(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _host(url: str) -> str | None:
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return parts.hostname if parts.scheme in {"http", "https"} else None
