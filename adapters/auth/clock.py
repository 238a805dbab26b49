"""The time of day, as authenticators are given it."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""Tells the time, with its time zone."""


def utc_now() -> datetime:
    """Return the time of this machine's clock."""
    return datetime.now(UTC)
