"""What bounds the questions of each door, and how clients are told what is left (draft-ietf-httpapi-ratelimit-headers)."""

import math
from collections.abc import Sequence

from litestar.types import Scope

from chatcore.fair_use import Allowance, FairUse, Limit, Rate, subject_of_address
from entrypoints.http.address import Network, client_address
from entrypoints.http.replies import Headers


class Fairness:
    """Says how much may be asked: by a user, by name; by a reader, who may have any number of sessions, by address."""

    def __init__(
        self, *, rate: Rate | None = None, daily_tokens: int | None = None, trusted: Sequence[Network] = ()
    ) -> None:
        """Take the rate of each caller, the tokens of each in a day, and the networks of trusted proxies."""
        self._rate = rate
        self._daily_tokens = daily_tokens
        self._trusted = trusted
        self.of_user = FairUse(rate=rate, daily_tokens=daily_tokens)
        policy = b"" if rate is None else b'"caller";q=%d;w=%d' % (rate.requests, rate.seconds)
        self._policy = (b"ratelimit-policy", policy)

    def of_reader(self, scope: Scope) -> FairUse:
        """Return what bounds a question that nobody signed."""
        address = None if self._rate is None else client_address(scope, self._trusted)
        if self._rate is None or address is None:
            return self.of_user
        limit = Limit(subject=subject_of_address(address), rate=self._rate)
        return FairUse(rate=self._rate, address=limit, daily_tokens=self._daily_tokens)

    def headers(self, allowance: Allowance | None) -> Headers:
        """Return what is told of what is left."""
        if allowance is None:
            return ()
        left = b'"caller";r=%d;t=%d' % (allowance.remaining, math.ceil(allowance.reset))
        return self._policy, (b"ratelimit", left)
