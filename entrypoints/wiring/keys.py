"""API keys for whoever runs this installation."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TypeVar

from uuid_utils.compat import uuid7

from adapters.postgres.api_keys import PostgresApiKeyStore
from chatcore.api_key import ApiKey, ApiKeyText
from chatcore.ports.api_key_store import ApiKeyStore
from chatcore.principal import Scope
from entrypoints.wiring.databases import for_a_command
from entrypoints.wiring.storage import Storage

T = TypeVar("T")


def new_key(
    owner: str, name: str, scopes: frozenset[Scope], now: datetime, expires_at: datetime | None
) -> tuple[ApiKey, ApiKeyText]:
    """Return a new key and its text, not recorded yet.

    Raises:
        InvalidRequest: no user can have this id, or the name will not do.
    """
    text = ApiKeyText.fresh(owner, uuid7(), secrets.token_bytes(32))
    return ApiKey(
        owner=owner, id=text.id, name=name, scopes=scopes, created_at=now, expires_at=expires_at
    ), text


def with_key_store(place: Storage, do: Callable[[ApiKeyStore], Awaitable[T]]) -> T:
    """Return what comes of something that is done with the keys.

    Raises:
        DatabaseUnavailable: the keys cannot be reached.
    """
    return asyncio.run(_done(place.app_url, do))


async def _done(url: str, do: Callable[[ApiKeyStore], Awaitable[T]]) -> T:
    async with for_a_command(url) as database:
        return await do(PostgresApiKeyStore(database))
