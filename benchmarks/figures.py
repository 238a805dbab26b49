"""Figures: what was measured, of whom, under what load, in each round."""

import statistics
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure of one server under one load, a value a round."""

    name: str
    server: str
    load: str
    unit: str
    rounds: tuple[float, ...]

    @property
    def median(self) -> float:
        """The round in the middle, which is what is reported."""
        return statistics.median(self.rounds)


@dataclass(slots=True)
class Results:
    """Everything a run found, and what it could not find, with the reason."""

    figures: list[Figure] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)

    def add(self, name: str, server: str, load: str, unit: str, rounds: list[float]) -> None:
        """Note a figure; no rounds, no figure."""
        if rounds:
            self.figures.append(Figure(name=name, server=server, load=load, unit=unit, rounds=tuple(rounds)))

    def skip(self, what: str, reason: object) -> None:
        """Note that something could not be measured."""
        self.skipped.append(f"{what}: {reason}")

    def get(self, name: str, server: str, load: str) -> float | None:
        """Return a median, where there is one."""
        for figure in self.figures:
            if (figure.name, figure.server, figure.load) == (name, server, load):
                return figure.median
        return None

    def named(self, name: str) -> Iterator[Figure]:
        """Return the figures of one name, in the order they were taken."""
        return (figure for figure in self.figures if figure.name == name)

    def as_json(self) -> dict[str, object]:
        """Return all of it for a file."""
        figures = [{**asdict(figure), "median": figure.median} for figure in self.figures]
        return {"figures": figures, "skipped": self.skipped}
