"""Rates, what is left of them, and whose they are."""

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatcore.fair_use import Rate, allowance_left, subject_of_address


@pytest.mark.parametrize(
    ("address", "subject"),
    [
        ("203.0.113.7", "@203.0.113.7"),
        ("::ffff:203.0.113.7", "@203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "@2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "@2001:db8:1:2::/64"),
        ("::1", "@::/64"),
    ],
)
def test_an_address_counts_as_its_site(address: str, subject: str) -> None:
    assert subject_of_address(ip_address(address)) == subject


@given(st.integers(1, 1000), st.floats(0.1, 86_400), st.floats(-10, 86_400))
def test_what_is_left_lies_between_nothing_and_all(requests: int, seconds: float, whole_in: float) -> None:
    left = allowance_left(Rate(requests=requests, seconds=seconds), whole_in)
    assert 0 <= left.remaining <= left.limit == requests
    assert left.reset >= 0


def test_an_untouched_allowance_is_whole_and_a_used_one_is_not() -> None:
    rate = Rate(requests=10, seconds=60)
    assert allowance_left(rate, 0).remaining == 10
    assert allowance_left(rate, 6).remaining == 9
    assert allowance_left(rate, 60).remaining == 0
