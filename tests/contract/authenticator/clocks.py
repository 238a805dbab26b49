"""Clocks that stand until they are told to go on."""

from datetime import UTC, datetime, timedelta


class Clocks:
    """The time of day and the seconds of a clock that never goes back, always in step."""

    def __init__(self) -> None:
        self.seconds = 1_000_000.0

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds

    def unix(self) -> float:
        return self.now().timestamp()

    def advance(self, seconds: float) -> None:
        self.seconds += seconds
