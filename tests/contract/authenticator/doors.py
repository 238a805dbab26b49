"""Every authenticator, with whatever it takes to hand out credentials that it should believe."""

import hashlib
import hmac
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType
from urllib.parse import quote
from uuid import uuid4

from adapters.auth.api_keys import ApiKeyAuthenticator
from adapters.auth.better_auth import BetterAuthAuthenticator
from adapters.auth.dispatch import AuthenticatorByShape
from adapters.auth.hs256 import Hs256Authenticator
from adapters.auth.jwks import JwksAuthenticator
from adapters.memory.api_keys import MemoryApiKeyStore
from chatcore.api_key import ApiKey, ApiKeyText
from chatcore.ports.authenticator import Authenticator, Credentials
from chatcore.ports.sign_in_lookup import SignIn
from chatcore.principal import Scope
from tests.contract.authenticator.clocks import Clocks
from tests.contract.authenticator.issuer import eddsa_mint, es256_mint, issuing, rs256_mint
from tests.contract.authenticator.mint import AUDIENCE, ISSUER, SECRET, Mint, hs256_mint

FRONTEND = "http://localhost:3000"
LIFETIME = 900


@dataclass(frozen=True, kw_only=True)
class Door:
    """An authenticator and a way to get a token that it believes for `LIFETIME` seconds."""

    authenticator: Authenticator
    token_for: Callable[[str], Awaitable[str]]
    clocks: Clocks

    async def let_in(self, token: str) -> str:
        principal = await self.authenticator.authenticate(bearing(token))
        return principal.user_id


def bearing(*tokens: str) -> Credentials:
    return Credentials(authorization=tuple(f"Bearer {token}" for token in tokens), cookies={})


def signed(token: str, secret: str = SECRET) -> str:
    signature = hmac.digest(secret.encode(), token.encode(), hashlib.sha256)
    return f"{token}.{b64encode(signature).decode()}"


class SignIns:
    """What Better Auth's tables would say, and how often they were asked."""

    def __init__(self) -> None:
        self.recorded: dict[str, SignIn] = {}
        self.asked = 0

    async def look_up(self, token: str) -> SignIn | None:
        self.asked += 1
        return self.recorded.get(token)

    def add(self, user: str, clocks: Clocks) -> str:
        token = uuid4().hex
        expires_at = clocks.now() + timedelta(seconds=LIFETIME)
        self.recorded[token] = SignIn(user_id=user, expires_at=expires_at)
        return token


async def key_for(store: MemoryApiKeyStore, user: str, clocks: Clocks) -> str:
    text = ApiKeyText.fresh(user, uuid4(), uuid4().bytes + uuid4().bytes)
    key = ApiKey(
        owner=user,
        id=text.id,
        name="test",
        scopes=frozenset(Scope),
        created_at=clocks.now(),
        expires_at=clocks.now() + timedelta(seconds=LIFETIME),
    )
    await store.add(key, text)
    return text.text


def by_mint(mint: Mint, authenticator: Authenticator, clocks: Clocks) -> Door:
    async def token_for(user: str) -> str:
        return mint.token(mint.claims(clocks.unix(), sub=user, exp=int(clocks.unix()) + LIFETIME))

    return Door(authenticator=authenticator, token_for=token_for, clocks=clocks)


@asynccontextmanager
async def hs256_door() -> AsyncIterator[Door]:
    clocks = Clocks()
    authenticator = Hs256Authenticator(SECRET, issuer=ISSUER, audience=AUDIENCE, now=clocks.now)
    yield by_mint(hs256_mint(), authenticator, clocks)


@asynccontextmanager
async def jwks_door(mint: Mint) -> AsyncIterator[Door]:
    clocks = Clocks()
    async with issuing(mint) as issuer:
        authenticator = JwksAuthenticator(
            issuer.url, issuer=ISSUER, audience=AUDIENCE, now=clocks.now, monotonic=clocks.monotonic
        )
        await authenticator.open()
        try:
            yield by_mint(mint, authenticator, clocks)
        finally:
            await authenticator.close()


@asynccontextmanager
async def better_auth_door() -> AsyncIterator[Door]:
    clocks, sign_ins = Clocks(), SignIns()

    async def token_for(user: str) -> str:
        return quote(signed(sign_ins.add(user, clocks)), safe="")

    authenticator = BetterAuthAuthenticator(
        SECRET, sign_ins.look_up, origins=[FRONTEND], now=clocks.now, monotonic=clocks.monotonic
    )
    yield Door(authenticator=authenticator, token_for=token_for, clocks=clocks)


@asynccontextmanager
async def api_key_door() -> AsyncIterator[Door]:
    clocks, store = Clocks(), MemoryApiKeyStore()

    async def token_for(user: str) -> str:
        return await key_for(store, user, clocks)

    authenticator = ApiKeyAuthenticator(store, now=clocks.now, monotonic=clocks.monotonic)
    yield Door(authenticator=authenticator, token_for=token_for, clocks=clocks)


def by_shape(role: str, inner: Callable[[], AbstractAsyncContextManager[Door]]) -> "Opener":
    @asynccontextmanager
    async def door() -> AsyncIterator[Door]:
        async with inner() as behind:
            parts: Mapping[str, Authenticator] = {role: behind.authenticator}
            yield Door(
                authenticator=AuthenticatorByShape(**parts), token_for=behind.token_for, clocks=behind.clocks
            )

    return door


Opener = Callable[[], AbstractAsyncContextManager[Door]]
SINGLE: Mapping[str, Opener] = MappingProxyType(
    {
        "HS256": hs256_door,
        "EdDSA": lambda: jwks_door(eddsa_mint()),
        "ES256": lambda: jwks_door(es256_mint()),
        "RS256": lambda: jwks_door(rs256_mint()),
        "Better Auth": better_auth_door,
        "API key": api_key_door,
    }
)
DOORS: Mapping[str, Opener] = MappingProxyType(
    dict(SINGLE)
    | {
        f"{name} by shape": by_shape(role, SINGLE[name])
        for role, name in (
            ("secret", "HS256"),
            ("key_set", "EdDSA"),
            ("key_set", "RS256"),
            ("sessions", "Better Auth"),
            ("api_keys", "API key"),
        )
    }
)
