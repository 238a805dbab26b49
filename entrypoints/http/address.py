"""Where a request comes from: its peer, or whoever a trusted proxy says it speaks for."""

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from litestar.types import Scope

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


def client_address(scope: Scope, trusted: Sequence[Network]) -> Address | None:
    """Return the nearest address that is not a trusted proxy's; None where the server does not know its peer.

    Each proxy appends whom it heard from to `X-Forwarded-For`. Read from the right, the list is true as long
    as it passes proxies that we trust; what stands left of the first other address may be anything.
    """
    client = scope["client"]
    if client is None:
        return None
    if not trusted:
        return _parsed(client[0])
    forwarded = b",".join(value for name, value in scope["headers"] if name == b"x-forwarded-for")
    return _nearest(client[0], forwarded.decode("latin-1"), tuple(trusted))


@lru_cache(1024)
def _nearest(peer: str, forwarded: str, trusted: tuple[Network, ...]) -> Address | None:
    nearest = _parsed(peer)
    for hop in reversed(forwarded.split(",")):
        if nearest is None or not any(nearest in network for network in trusted):
            break
        before = _parsed(hop.strip())
        if before is None:
            break
        nearest = before
    return nearest


@lru_cache(1024)
def _parsed(text: str) -> Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None
