"""What is counted and timed while the program runs, in Prometheus's text format.

Every figure that the hot path touches is looked up here once, so that a turn costs a few additions. What can
be asked for at any time, such as the use of the pool, is asked for when somebody scrapes.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import cache

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector

from chatcore.ports.language_model import ModelCall
from chatcore.speaker import TurnReport
from chatcore.trail import Loss

MEDIA_TYPE = CONTENT_TYPE_LATEST
_QUICK = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_LONG = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
_PER_TOKEN = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1)

Reading = Callable[[], Iterable[tuple[str, str, float]]]
"""Figures as they are now, each with its name, what it means, and its value; `_total` names one that only grows."""


class Metrics:
    """The figures of one process."""

    def __init__(self) -> None:
        """Begin at nought."""
        self._registry = CollectorRegistry(auto_describe=False)
        self._requests = self._counter("requests", "Requests answered", "method", "route", "status")
        self._request_seconds = self._histogram("request_seconds", "Time to answer a request", _LONG, "route")
        self._turns = self._counter("turns", "Attempts at turns, by how they ended", "outcome")
        self._turn_seconds = self._histogram("turn_seconds", "Time from accepting a turn to its record", _LONG)
        self._first_token = self._histogram("first_token_seconds", "Time to a turn's first token", _LONG)
        self._per_token = self._histogram("token_seconds", "Time per token after the first one", _PER_TOKEN)
        self._history = self._histogram(
            "history_load_seconds",
            "Time of the statement that finds the conversation, records the question and loads the history",
            _QUICK,
        )
        self._recording = self._histogram("turn_record_seconds", "Time to record a reply once spoken", _QUICK)
        self._tokens = self._counter("tokens", "Tokens that providers were sent and said", "direction")
        self._calls = self._counter("model_calls", "Calls of model providers", "model", "outcome")
        self._call_seconds = self._histogram(
            "model_call_seconds", "Time that a model call took", _LONG, "model"
        )
        self._retries = self._counter("model_retries", "Model calls beyond the first of their turn")
        self._lost = self._counter(
            "leases_lost", "Turns taken over, ended or erased meanwhile, or not recorded"
        )
        self._audit_dropped = self._counter("audit_dropped", "Audit rows that were not written", "reason")
        for why in Loss:
            # There from the beginning: of a figure that comes with its first loss, no rise would be seen.
            self._audit_dropped.labels(why)
        self._streams = Gauge("chatcore_streams_open", "Streams open", registry=self._registry)
        self._request_counter = cache(self._requests.labels)
        self._request_timer = cache(self._request_seconds.labels)
        self._turn_counter = cache(self._turns.labels)
        self._call_counter = cache(self._calls.labels)
        self._call_timer = cache(self._call_seconds.labels)
        self._sent, self._said = self._tokens.labels("input"), self._tokens.labels("output")

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request that was answered; the route is its template, such as `/api/{user_id}/chat`."""
        self._request_counter(method, route, str(status)).inc()
        self._request_timer(route).observe(seconds)

    def stream_opened(self) -> None:
        """Count a stream that somebody listens to."""
        self._streams.inc()

    def stream_closed(self) -> None:
        """Count it no more."""
        self._streams.dec()

    def turn(self, report: TurnReport) -> None:
        """Count an attempt at a turn, and the calls of providers that it took."""
        self._turn_counter(outcome_of(report)).inc()
        if report.turn is None and report.bug is None:
            self._lost.inc()
        self._turn_seconds.observe(report.recorded)
        self._history.observe(report.opening)
        self._recording.observe(report.recorded - report.spoken)
        if report.first_piece is not None:
            self._first_token.observe(report.first_piece)
        self._retries.inc(max(0, len(report.calls) - 1))
        for call in report.calls:
            self._call(call)

    def audit_dropped(self, why: Loss, count: int) -> None:
        """Count audit entries of which no row is kept."""
        self._audit_dropped.labels(why).inc(count)

    def watch(self, read: Reading) -> None:
        """Ask for these figures, too, whenever somebody scrapes."""
        self._registry.register(_Read(read))

    def exposition(self) -> bytes:
        """Return all figures as text."""
        return generate_latest(self._registry)

    def _call(self, call: ModelCall) -> None:
        self._call_counter(call.model, call.outcome).inc()
        self._call_timer(call.model).observe(call.seconds)
        self._sent.inc(call.usage.input_tokens)
        self._said.inc(call.usage.output_tokens)
        if call.first_token_seconds is not None and call.usage.output_tokens > 1:
            spoken = call.seconds - call.first_token_seconds
            self._per_token.observe(spoken / (call.usage.output_tokens - 1))

    def _counter(self, name: str, meaning: str, *labels: str) -> Counter:
        return Counter(f"chatcore_{name}", meaning, labels, registry=self._registry)

    def _histogram(self, name: str, meaning: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
        return Histogram(f"chatcore_{name}", meaning, labels, buckets=buckets, registry=self._registry)


class _Read(Collector):
    def __init__(self, read: Reading) -> None:
        self._read = read

    def collect(self) -> Iterator[Metric]:
        for name, meaning, value in self._read():
            family = CounterMetricFamily if name.endswith("_total") else GaugeMetricFamily
            yield family(f"chatcore_{name}", meaning, value=value)


def outcome_of(report: TurnReport) -> str:
    """Return how an attempt ended: the turn's status, or `lost` where it was not ours to record."""
    return "lost" if report.turn is None else str(report.turn.status)
