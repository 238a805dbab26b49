"""Whoever a request comes from, proxies are believed only where they are trusted."""

from ipaddress import ip_address, ip_network
from typing import cast

import pytest
from litestar.types import Scope

from entrypoints.http.address import client_address

TRUSTED = [ip_network("10.0.0.0/8"), ip_network("fd00::/8")]


def scope(peer: str | None, *forwarded: str) -> Scope:
    headers = [(b"x-forwarded-for", value.encode()) for value in forwarded]
    return cast("Scope", {"client": None if peer is None else (peer, 1), "headers": headers})


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("203.0.113.9", [], "203.0.113.9"),
        ("203.0.113.9", ["198.51.100.7"], "203.0.113.9"),
        ("10.0.0.1", ["198.51.100.7"], "198.51.100.7"),
        ("10.0.0.1", ["1.2.3.4, 198.51.100.7"], "198.51.100.7"),
        ("10.0.0.1", ["1.2.3.4, 198.51.100.7, 10.0.0.2"], "198.51.100.7"),
        ("10.0.0.1", ["1.2.3.4", "198.51.100.7"], "198.51.100.7"),
        ("10.0.0.1", ["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", [""], "10.0.0.1"),
        ("10.0.0.1", ["unknown"], "10.0.0.1"),
        ("10.0.0.1", ["1.2.3.4, x, 10.0.0.2"], "10.0.0.2"),
        ("fd00::1", ["2001:db8::1"], "2001:db8::1"),
        ("2001:db8::2", ["1.2.3.4"], "2001:db8::2"),
    ],
)
def test_the_nearest_address_that_is_no_trusted_proxy_counts(
    peer: str, forwarded: list[str], expected: str
) -> None:
    assert client_address(scope(peer, *forwarded), TRUSTED) == ip_address(expected)


def test_without_trusted_proxies_nobody_is_believed() -> None:
    assert client_address(scope("10.0.0.1", "1.2.3.4"), []) == ip_address("10.0.0.1")


def test_a_server_that_does_not_know_its_peer_knows_no_address() -> None:
    assert client_address(scope(None, "1.2.3.4"), TRUSTED) is None
    assert client_address(scope("unix", "1.2.3.4"), TRUSTED) is None
