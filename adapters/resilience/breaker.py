"""When a provider is left alone: the state of a circuit breaker, apart from what it guards.

Source: Nygard, "Release It!", 2007, stability patterns. That a rate over many calls is judged, and not failures
in a row, is as in Hystrix and resilience4j.
"""

from collections import deque
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
    """Opens when a `share` of the calls of late failed, and lets one probe when it has rested; times in seconds.

    A call is a question with all its retries, for it stands outside them. What counts as of late is all that
    ended within `window`, and at least the last `calls`: a moment of failures
    under load is no outage, and a quiet server notices one as well. A provider that still answers some is not
    left alone, because being refused helps nobody; that it is not asked more often than usual, retries' budget
    sees to.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float],
        calls: int = 20,
        share: float = 0.9,
        window: float = 2.0,
        rest: float = 10.0,
        changed: StateChanged = _ignore,
    ) -> None:
        """Begin closed; `share` is the part of the calls that has to fail, and `changed` is told of new states."""
        self._clock = clock
        self._calls = calls
        self._share = share
        self._window = window
        self._rest = rest
        self._changed = changed
        self._ended: deque[tuple[float, bool]] = deque()
        self._failures = 0
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
            self._ended.clear()
            self._failures = 0
            self._become(BreakerState.CLOSED)

    def succeeded(self) -> None:
        """Take note of a call that went well to its end."""
        self.answered()
        self._count(failed=False)

    def failed(self, retry_after: float | None = None) -> None:
        """Take note of a call that failed, and of how long the provider wants to be left alone."""
        self._count(failed=True)
        if self.state is BreakerState.HALF_OPEN or (self.state is BreakerState.CLOSED and self._outage()):
            self._rests_until = self._clock() + max(self._rest, retry_after or 0.0)
            self._become(BreakerState.OPEN)

    def abandoned(self) -> None:
        """Take note of a probe that was given up before it found anything out; the next call probes."""
        if self.state is BreakerState.HALF_OPEN:
            self._become(BreakerState.OPEN)

    def _count(self, *, failed: bool) -> None:
        now = self._clock()
        self._ended.append((now, failed))
        self._failures += failed
        while len(self._ended) > self._calls and self._ended[0][0] <= now - self._window:
            self._failures -= self._ended.popleft()[1]

    def _outage(self) -> bool:
        return len(self._ended) >= self._calls and self._failures >= self._share * len(self._ended)

    def _become(self, state: BreakerState) -> None:
        self.state = state
        self._changed(state)
