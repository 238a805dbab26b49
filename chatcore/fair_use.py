"""How much anybody may ask: rates by subject, and tokens by day.

A rate is kept by the generic cell rate algorithm (GCRA, ITU-T I.371): a subject has one number, the time at
which its allowance will be whole again. It is asked and moved on in the same step that records the
question, so that it is exact over all processes, and a replayed or refused question costs nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_network

_IPV6_SITE = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """So many requests per period, which may also come all at once."""

    requests: int
    seconds: float

    @property
    def interval(self) -> float:
        """How long one request takes to be forgotten, in seconds."""
        return self.seconds / self.requests


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """The rate of one subject: a user, a session, or a network address."""

    subject: str
    rate: Rate


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What is left of the tightest limit: of `limit` requests `remaining`, all of them in `reset` seconds."""

    limit: int
    remaining: int
    reset: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FairUse:
    """Everything that bounds one question: its limits, and the tokens that its owner may spend in a day (UTC).

    None for `daily_tokens` is no bound.
    """

    limits: Sequence[Limit] = ()
    daily_tokens: int | None = None


UNBOUNDED = FairUse()


def subject_of_address(address: IPv4Address | IPv6Address) -> str:
    """Return the subject that an address belongs to: itself, or its /64 where one site may hold them all.

    It begins with `@`, which neither a user id nor a session's owner does.
    """
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return f"@{address.ipv4_mapped}"
        return f"@{ip_network((address, _IPV6_SITE), strict=False)}"
    return f"@{address}"


def allowance_left(rate: Rate, whole_in: float) -> Allowance:
    """Return what is left of a rate whose allowance will be whole again in so many seconds."""
    used = max(whole_in, 0) / rate.interval
    return Allowance(limit=rate.requests, remaining=max(0, int(rate.requests - used)), reset=max(whole_in, 0))
