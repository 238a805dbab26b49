"""Servers can be replaced one after the other while people talk to them, and nobody notices but by a pause."""

from tests.chaos.rig import rig
from tests.operations.rolling import SETTINGS, roll


def test_a_rolling_restart_is_seen_by_no_client_that_retries() -> None:
    with rig(servers=2, gap=0.02, **SETTINGS) as machine:
        figures = roll(machine, 1, 4)
    assert figures.findings.clean, figures
    assert [code for code, _ in figures.stops] == [0, 0]
    assert figures.findings.completed > 5
    assert figures.slowest < 25, figures
