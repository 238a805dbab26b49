"""Rates, what is left of them, and whose they are; tokens that may be spent."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chatcore.errors import RateLimited
from chatcore.fair_use import Rate, allowance_left, charged, spendable, subject_of_address

NOW = datetime(2026, 1, 1, tzinfo=UTC)
RATES = st.builds(Rate, requests=st.integers(1, 60), seconds=st.integers(1, 86_400))


@pytest.mark.parametrize(
    ("address", "subject"),
    [
        ("203.0.113.7", "@203.0.113.7"),
        ("::ffff:203.0.113.7", "@203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "@2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "@2001:db8:1:2::/64"),
        ("fe80::1%eth0", "@fe80::/64"),
        ("::1", "@::/64"),
    ],
)
def test_an_address_counts_as_its_site(address: str, subject: str) -> None:
    assert subject_of_address(ip_address(address)) == subject


@pytest.mark.parametrize(("requests", "seconds"), [(0, 60), (-1, 60), (1, 0)])
def test_a_rate_lets_somebody_in(requests: int, seconds: int) -> None:
    with pytest.raises(ValueError, match="at least one"):
        Rate(requests=requests, seconds=seconds)


@given(RATES)
@example(Rate(requests=7, seconds=60))
def test_a_whole_allowance_may_be_used_at_once_and_no_more(rate: Rate) -> None:
    whole_at = NOW - timedelta(days=1)
    for used in range(rate.requests):
        assert allowance_left(rate, whole_at - NOW).remaining == rate.requests - used
        whole_at = charged(rate, whole_at, NOW)
    left = allowance_left(rate, whole_at - NOW)
    assert left.remaining == 0
    with pytest.raises(RateLimited) as refused:
        charged(rate, whole_at, NOW)
    assert refused.value.retry_after is not None
    assert 0 < refused.value.retry_after <= 60
    later = NOW + rate.interval + timedelta(milliseconds=1)
    assert charged(rate, whole_at, later) > whole_at


@given(RATES, st.lists(st.floats(0, 100), max_size=200))
def test_in_no_stretch_of_time_are_more_let_in_than_the_rate_says(rate: Rate, pauses: list[float]) -> None:
    now, whole_at, let_in = NOW, NOW, []
    for pause in pauses:
        now += timedelta(seconds=pause)
        try:
            whole_at = charged(rate, whole_at, now)
        except RateLimited:
            continue
        let_in.append(now)
    for first, begin in enumerate(let_in):
        for last, end in enumerate(let_in[first:], first):
            most = rate.requests + (end - begin) / rate.interval
            assert last - first + 1 <= most + 1e-3


@given(RATES, st.timedeltas())
def test_what_is_left_lies_between_nothing_and_all(rate: Rate, whole_in: timedelta) -> None:
    left = allowance_left(rate, whole_in)
    assert 0 <= left.remaining <= left.limit == rate.requests
    assert left.reset >= 0


@pytest.mark.parametrize(
    ("estimate", "spent", "reserved", "verdict"),
    [
        (100, 0, 0, True),
        (100, 900, 0, True),
        (100, 800, 100, True),
        (100, 801, 100, False),
        (100, 999, 0, True),
        (100, 1000, 0, False),
        (100, 1001, 0, False),
        (5000, 0, 0, True),
        (5000, 0, 1, False),
    ],
)
def test_tokens_may_be_spent_until_they_are_gone(
    *, estimate: int, spent: int, reserved: int, verdict: bool
) -> None:
    assert spendable(estimate=estimate, daily=1000, spent=spent, reserved=reserved) is verdict
