"""Keeps an issuer's key set at hand: fetched seldom, by one task at a time, and kept while it cannot be had."""

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable

from adapters.auth.key_set import KeySet, parsed_key_set
from chatcore.errors import DatabaseUnavailable

EVERY = 30.0
"""Seconds between two fetches, at least, whatever is asked and however the last one ended; and the age at
which a key set that is in use is fetched again, so that a new key counts, and a withdrawn one does not, by
then."""

PATIENCE = 1.0
"""Seconds after which nobody waits for a newer key set any more when there is an older one to go by."""

KEPT_FOR = 24 * 3_600.0
"""Seconds for which the last key set is believed while the issuer cannot be reached."""

Fetch = Callable[[], Awaitable[bytes]]
"""Gets the key set's bytes, within a bounded time; whatever it raises is a failure."""

_log = logging.getLogger(__name__)


class KeySetCache:
    """The newest key set of an issuer that could be had. Nothing is fetched while nobody asks."""

    def __init__(self, fetch: Fetch, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Take how a key set is fetched, and a clock of seconds that never goes back."""
        self._fetch = fetch
        self._monotonic = monotonic
        self._body = b""
        self._known: KeySet | None = None
        self._known_at = -math.inf
        self._asked_at = -math.inf
        self._running: asyncio.Task[None] | None = None

    async def current(self) -> KeySet:
        """Return the key set; the same object as long as the issuer's answer is the same.

        Raises:
            DatabaseUnavailable: there is none, and it cannot be had now.
        """
        now = self._monotonic()
        if self._running is None and now - self._asked_at >= EVERY:
            self._asked_at = now
            self._running = asyncio.create_task(self._refresh())
        if self._running is not None:
            patience = max(0.0, self._asked_at + PATIENCE - now)
            await asyncio.wait({self._running}, timeout=None if self._believed() is None else patience)
        known = self._believed()
        if known is None:
            raise DatabaseUnavailable(
                "the keys that tokens are signed with cannot be had", retry_after=self._next_attempt()
            )
        return known

    async def settled(self) -> KeySet:
        """Return the key set after a fetch that is under way has ended.

        Raises:
            DatabaseUnavailable: there is none, and it cannot be had now.
        """
        if self._running is not None:
            await asyncio.wait({self._running})
        return await self.current()

    async def close(self) -> None:
        """Stop a fetch that is under way."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait({self._running})

    def _believed(self) -> KeySet | None:
        return self._known if self._monotonic() - self._known_at < KEPT_FOR else None

    def _next_attempt(self) -> float:
        return max(1.0, self._asked_at + EVERY - self._monotonic())

    async def _refresh(self) -> None:
        try:
            body = await self._fetch()
            if body != self._body:
                self._known, self._body = parsed_key_set(body), body
            self._known_at = self._monotonic()
        except Exception as error:  # noqa: BLE001 - whatever it is, the keys that are known go on
            _log.warning("the key set could not be fetched: %s", error or type(error).__name__)
        finally:
            self._running = None
