"""When a provider is left alone: the state of a circuit breaker, apart from what it guards.

Source: Nygard, "Release It!", 2007, stability patterns.
"""

from collections.abc import Callable
from enum import StrEnum

StateChanged = Callable[["BreakerState"], None]


class BreakerState(StrEnum):
    """Closed lets everything through, open nothing, half-open one call that finds out."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


def _ignore(state: BreakerState) -> None:
    del state


class Breaker:
    """Opens after so many failures in a row, and lets one call probe when it has rested; times in seconds."""

    def __init__(
        self,
        *,
        clock: Callable[[], float],
        failures: int = 5,
        rest: float = 10.0,
        changed: StateChanged = _ignore,
    ) -> None:
        """Begin closed; `changed` is told of every new state."""
        self._clock = clock
        self._failures = failures
        self._rest = rest
        self._changed = changed
        self._in_a_row = 0
        self._rests_until = 0.0
        self.state = BreakerState.CLOSED

    def enter(self) -> float:
        """Return 0 where a call may pass, else how many seconds to wait; the first after the rest probes."""
        if self.state is BreakerState.CLOSED:
            return 0.0
        left = self._rests_until - self._clock()
        if self.state is BreakerState.OPEN and left <= 0:
            self._become(BreakerState.HALF_OPEN)
            return 0.0
        return max(left, 1.0)

    def answered(self) -> None:
        """Take note that the provider speaks: the probe has found out enough."""
        if self.state is BreakerState.HALF_OPEN:
            self._in_a_row = 0
            self._become(BreakerState.CLOSED)

    def succeeded(self) -> None:
        """Take note of a call that went well to its end."""
        self.answered()
        self._in_a_row = 0

    def failed(self, retry_after: float | None = None) -> None:
        """Take note of a call that failed, and of how long the provider wants to be left alone."""
        self._in_a_row += 1
        if self.state is BreakerState.HALF_OPEN or (
            self.state is BreakerState.CLOSED and self._in_a_row >= self._failures
        ):
            self._rests_until = self._clock() + max(self._rest, retry_after or 0.0)
            self._become(BreakerState.OPEN)

    def abandoned(self) -> None:
        """Take note of a probe that was given up before it found anything out; the next call probes."""
        if self.state is BreakerState.HALF_OPEN:
            self._become(BreakerState.OPEN)

    def _become(self, state: BreakerState) -> None:
        self.state = state
        self._changed(state)
