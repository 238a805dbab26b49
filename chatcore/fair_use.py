"""How much anybody may ask: so many questions in a while, and so many tokens in a day.

A rate is kept by the generic cell rate algorithm (GCRA, ITU-T I.371): of each subject one knows the time at
which its allowance will be whole again. It is asked and moved on in the same step that records the
question, so that it is exact over all processes, and a replayed or refused question costs nothing.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv4Address, IPv6Address, IPv6Network

from chatcore.errors import RateLimited

REPLY_ALLOWANCE = 1_000
"""Tokens that are set aside for a reply before anybody knows how long it gets."""

_IPV6_SITE = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """So many requests in so many seconds, which may also come all at once."""

    requests: int
    seconds: int

    def __post_init__(self) -> None:
        """Refuse a rate that lets nobody in."""
        if self.requests < 1 or self.seconds < 1:
            raise ValueError("a rate is at least one request in some time")

    @property
    def interval(self) -> timedelta:
        """How long one request takes to be forgotten; rounded down, so that a whole burst fits its period."""
        return timedelta(microseconds=self.seconds * 1_000_000 // self.requests)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """The rate of one subject that is no owner, such as a network address."""

    subject: str
    rate: Rate


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What is left of an owner's rate: of `limit` requests `remaining`, and all of them in `reset` seconds."""

    limit: int
    remaining: int
    reset: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FairUse:
    """Everything that bounds one question; what is None does not.

    `rate` is its owner's, `address` that of where it comes from, `daily_tokens` what its owner may spend in
    a day (UTC).
    """

    rate: Rate | None = None
    address: Limit | None = None
    daily_tokens: int | None = None


UNBOUNDED = FairUse()


def subject_of_address(address: IPv4Address | IPv6Address) -> str:
    """Return the subject that an address belongs to: itself, or its /64, which one site may have to itself.

    It begins with `@`, as neither a user id nor the owner of a session does.
    """
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return f"@{address.ipv4_mapped}"
        return f"@{IPv6Network((int(address), _IPV6_SITE), strict=False)}"
    return f"@{address}"


def charged(rate: Rate, whole_at: datetime, now: datetime) -> datetime:
    """Return when an allowance is whole again after one more request; `whole_at` is when it would have been.

    Raises:
        RateLimited: it is used up; says when there is enough of it again.
    """
    after = max(whole_at, now) + rate.interval
    late = after - now - timedelta(seconds=rate.seconds)
    if late > timedelta():
        raise RateLimited(retry_after=late.total_seconds())
    return after


def allowance_left(rate: Rate, whole_in: timedelta) -> Allowance:
    """Return what is left of a rate whose allowance will be whole again in such a time."""
    used = -(-max(whole_in, timedelta()) // rate.interval)
    return Allowance(
        limit=rate.requests, remaining=max(rate.requests - used, 0), reset=max(whole_in.total_seconds(), 0.0)
    )


def spendable(*, estimate: int, daily: int, spent: int, reserved: int) -> bool:
    """Return whether a question that is estimated to cost so many tokens may be asked today.

    What running turns have reserved counts as spent. Whoever has anything left, and no turn running, may
    ask one question whatever it is estimated to cost: else a long one could never be asked at all.
    """
    return spent + reserved + estimate <= daily or (reserved == 0 and spent < daily)
