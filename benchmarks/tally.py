"""A load generator's job, and what it saw of it."""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What the callers do. Addresses are (host, port) pairs, shared out among the callers in turn."""

    dialect: str
    addresses: tuple[tuple[str, int], ...]
    callers: int
    streamed: bool = False
    secret: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the callers saw in a phase. Times in seconds; a rate counts only turns that ended inside the window."""

    turns: int
    per_second: float
    seconds: float
    failures: dict[str, int]
    latency_p50: float | None
    latency_p99: float | None
    first_p50: float | None
    first_p99: float | None


@dataclass(slots=True, kw_only=True)
class Tally:
    """What a phase has seen so far. Times in seconds."""

    began: float = field(default_factory=time.perf_counter)
    latencies: list[float] = field(default_factory=list)
    firsts: list[float] = field(default_factory=list)
    ends: list[float] = field(default_factory=list)
    failures: Counter[str] = field(default_factory=Counter)

    def seen(self, window: float | None) -> Seen:
        """Sum up; without a window the phase lasted until now."""
        elapsed = time.perf_counter() - self.began
        span = window or elapsed
        return Seen(
            turns=len(self.latencies),
            per_second=sum(end - self.began <= span for end in self.ends) / span,
            seconds=elapsed,
            failures=dict(self.failures),
            latency_p50=percentile(self.latencies, 0.50),
            latency_p99=percentile(self.latencies, 0.99),
            first_p50=percentile(self.firsts, 0.50),
            first_p99=percentile(self.firsts, 0.99),
        )


def percentile(values: Sequence[float], share: float) -> float | None:
    """Return the value below which a share of the values lies; none of no values."""
    if not values:
        return None
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
