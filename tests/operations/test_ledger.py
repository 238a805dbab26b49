"""What a provider bills is in the ledger, whatever was stopped, left or killed meanwhile."""

import pytest

from tests.operations.ledger import Comparison, run


def assert_it_holds(found: Comparison) -> None:
    assert found.clean, found
    # A line of an attempt that the provider never heard of is one that ended before it could be told.
    assert found.early <= found.outcomes["lost"] + found.outcomes["cancelled"], found
    assert found.exact == found.outcomes["ok"], found
    assert abs(found.estimated - found.billed) < 0.5 * found.billed, found


def test_seconds_of_cancels_and_kills_leave_no_call_out_of_the_ledger() -> None:
    found = run(6, 6, 2)
    assert_it_holds(found)
    assert found.kills >= 1
    assert found.exact >= 5, found


@pytest.mark.chaos
def test_minutes_of_cancels_and_kills_leave_no_call_out_of_the_ledger() -> None:
    found = run(120, 12, 4)
    assert_it_holds(found)
    assert found.kills > 15
    assert found.outcomes["lost"] > 10, found
    assert found.outcomes["cancelled"] > 10, found
