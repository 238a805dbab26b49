"""What bounds the questions of each door, and how clients are told what is left.

Source: draft-ietf-httpapi-ratelimit-headers.
"""

import math
from collections.abc import Sequence
from functools import lru_cache

from litestar.types import Scope

from chatcore.fair_use import Allowance, FairUse, Limit, Rate, subject_of_address
from entrypoints.http.address import Address, Network, client_address
from entrypoints.http.replies import Headers


class Fairness:
    """Says how much may be asked: by a user or in a session, and from an address, whoever asks from there.

    A budget of tokens is a user's. A reader would only take another session, and is bounded by address.
    """

    def __init__(
        self,
        *,
        rate: Rate | None = None,
        address_rate: Rate | None = None,
        daily_tokens: int | None = None,
        trusted: Sequence[Network] = (),
    ) -> None:
        """Take the rates of callers and of addresses, a user's tokens of a day, and whose proxies are trusted."""
        self._rate = rate
        self._address_rate = address_rate
        self._trusted = trusted
        self.daily_tokens = daily_tokens
        self._bounds = lru_cache(10_000)(self._bounds_of)
        policy = b"" if rate is None else b'"caller";q=%d;w=%d' % (rate.requests, rate.seconds)
        self._policy = (b"ratelimit-policy", policy)

    def of_user(self, scope: Scope) -> FairUse:
        """Return what bounds a question of somebody who is known."""
        return self._bounds(self._address(scope), self.daily_tokens)

    def of_reader(self, scope: Scope) -> FairUse:
        """Return what bounds a question of anybody."""
        return self._bounds(self._address(scope), None)

    def headers(self, allowance: Allowance | None) -> Headers:
        """Return what is told of what is left."""
        if allowance is None:
            return ()
        left = b'"caller";r=%d;t=%d' % (allowance.remaining, math.ceil(allowance.reset))
        return self._policy, (b"ratelimit", left)

    def _address(self, scope: Scope) -> Address | None:
        return None if self._address_rate is None else client_address(scope, self._trusted)

    def _bounds_of(self, address: Address | None, daily_tokens: int | None) -> FairUse:
        limit = None
        if address is not None and self._address_rate is not None:
            limit = Limit(subject=subject_of_address(address), rate=self._address_rate)
        return FairUse(rate=self._rate, address=limit, daily_tokens=daily_tokens)
