"""What this project wants to reach, and the ratios that tell whether it did: within one run, on one machine."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from benchmarks.figures import Results

Value = float | None
OURS: Final = "chatcore"
USUAL: Final = "usual"
MODEL: Final = "model"


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """A figure to reach: at least, or at most, so much."""

    what: str
    unit: str
    target: float
    at_least: bool
    value: Callable[[Results], Value]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What became of a goal; no value where it was not measured."""

    what: str
    unit: str
    target: float
    at_least: bool
    value: Value

    @property
    def met(self) -> bool | None:
        """Whether it is reached; none where it was not measured."""
        if self.value is None:
            return None
        return self.value >= self.target if self.at_least else self.value <= self.target


def verdicts(results: Results) -> Iterator[Verdict]:
    """Judge a run."""
    for goal in GOALS:
        value = goal.value(results)
        yield Verdict(what=goal.what, unit=goal.unit, target=goal.target, at_least=goal.at_least, value=value)


def _figure(name: str, load: str) -> Callable[[Results], Value]:
    return lambda results: results.get(name, OURS, load)


def _times_more(name: str, load: str, than: str = USUAL) -> Callable[[Results], Value]:
    return lambda results: _divided(results.get(name, OURS, load), results.get(name, than, load))


def _times_fewer(name: str, load: str) -> Callable[[Results], Value]:
    return lambda results: _divided(results.get(name, USUAL, load), results.get(name, OURS, load))


def _beyond_model(name: str, load: str) -> Callable[[Results], Value]:
    def beyond(results: Results) -> Value:
        ours, model = results.get(name, OURS, load), results.get(name, MODEL, load)
        return None if ours is None or model is None else ours - model

    return beyond


def _first_of(*values: Callable[[Results], Value]) -> Callable[[Results], Value]:
    return lambda results: next((found for value in values if (found := value(results)) is not None), None)


def _last(name: str) -> Callable[[Results], Value]:
    def last(results: Results) -> Value:
        found = [figure.median for figure in results.named(name) if figure.server == OURS]
        return found[-1] if found else None

    return last


def _grown(results: Results) -> Value:
    medians = [figure.median for figure in results.named("begin statement")]
    return _divided(medians[-1], medians[0]) if len(medians) > 1 else None


def _divided(above: Value, below: Value) -> Value:
    return None if above is None or not below else above / below


def _at_least(target: float, unit: str, what: str, value: Callable[[Results], Value]) -> Goal:
    return Goal(what=what, unit=unit, target=target, at_least=True, value=value)


def _at_most(target: float, unit: str, what: str, value: Callable[[Results], Value]) -> Goal:
    return Goal(what=what, unit=unit, target=target, at_least=False, value=value)


SLOW: Final = "500 callers, 1 s model"
GOALS: Final = (
    _at_least(
        8,
        "times fewer",
        "instructions per turn, against the usual stack",
        _first_of(
            _times_fewer("instructions per turn", "16 callers"),
            _times_fewer("instructions per turn", "callgrind"),
        ),
    ),
    _at_least(
        8, "times less", "CPU per turn at 16 callers, against usual", _times_fewer("CPU per turn", "16 callers")
    ),
    _at_least(
        8, "times", "turns/s at 16 callers, against usual", _times_more("turns per second", "16 callers")
    ),
    _at_least(
        8, "times", "turns/s at 64 callers, against usual", _times_more("turns per second", "64 callers")
    ),
    _at_least(
        0.3,
        "times",
        "turns/s at 16 callers, against pgbench",
        _times_more("turns per second", "16 callers", "pgbench turn"),
    ),
    _at_most(3, "ms", "latency added to the model's, 1 caller, p50", _beyond_model("latency p50", "1 caller")),
    _at_least(
        5,
        "times fewer",
        "instructions per stream, against the usual stack",
        _first_of(
            _times_fewer("instructions per stream", "8 streams"),
            _times_fewer("instructions per stream", "callgrind"),
        ),
    ),
    _at_least(
        5,
        "times less",
        "CPU per stream at 8 streams, against usual",
        _times_fewer("CPU per stream", "8 streams"),
    ),
    _at_most(
        5, "ms", "first token behind the model's, 8 streams, p50", _beyond_model("first token p50", "8 streams")
    ),
    _at_most(1100, "ms", f"{SLOW}, 8 connections, latency p50", _figure("latency p50", SLOW)),
    _at_most(0, "turns", f"{SLOW}, 8 connections, refused", _figure("refused", SLOW)),
    _at_most(60, "KB", "memory per open stream", _last("memory per open stream")),
    _at_most(1.2, "times", "begin statement at a long history, against a short one", _grown),
    _at_most(1500, "ms", "serve ready, embedded database, warm", _figure("start", "embedded database, warm")),
    _at_most(
        4000,
        "ms",
        "serve ready, embedded database, first ever",
        _figure("start", "embedded database, first ever"),
    ),
    _at_most(150, "ms", "chatcore --help", _figure("start", "--help")),
)
