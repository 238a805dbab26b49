"""Dot plots as SVG: a row for each load and server, a faint dot a round, a full one for the median."""

import math
from collections.abc import Callable, Sequence
from html import escape
from typing import Final

from benchmarks.figures import Figure

WIDTH: Final = 760
LEFT: Final = 310
RIGHT: Final = 90
ROW: Final = 24
TOP: Final = 12
AXIS: Final = 34
# Where the largest is so many times the smallest, only a logarithmic axis shows both.
LOGARITHMIC_FROM: Final = 8
TICKS: Final = 5

Scale = Callable[[float], float]


def dots(figures: Sequence[Figure], colours: dict[str, int]) -> str:
    """Return one plot of figures that share a name and a unit; `colours` numbers the servers."""
    values = [value for figure in figures for value in (*figure.rounds, figure.median)]
    scale, ticks, kind = _scale(values)
    height = TOP + ROW * len(figures) + AXIS
    unit = figures[0].unit
    parts = [
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(figures[0].name)}, {escape(unit)}">',
        *(_tick(tick, scale(tick), height) for tick in ticks),
        *(_row(figure, place, scale, colours, figures) for place, figure in enumerate(figures)),
        f'<text class="axis" x="{LEFT}" y="{height - 2}">{escape(unit)}{kind}</text>',
        "</svg>",
    ]
    return "\n".join(parts)


def short(value: float) -> str:
    """Return a number with about three digits that matter."""
    if value == 0:
        return "0"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    digits = 2 - math.floor(math.log10(abs(value)))
    return f"{value:.{min(max(digits, 0), 4)}f}"


def _row(figure: Figure, place: int, scale: Scale, colours: dict[str, int], figures: Sequence[Figure]) -> str:
    middle = TOP + ROW * place + ROW / 2
    first_of_load = place == 0 or figures[place - 1].load != figure.load
    load = f'<text class="load" x="0" y="{middle + 4}">{escape(figure.load)}</text>' if first_of_load else ""
    rule = (
        f'<line class="rule" x1="0" x2="{WIDTH}" y1="{middle - ROW / 2}" y2="{middle - ROW / 2}"/>'
        if load
        else ""
    )
    rounds = "".join(
        f'<circle class="round" cx="{scale(value):.1f}" cy="{middle}" r="3.5"/>' for value in figure.rounds
    )
    at = scale(figure.median)
    title = f"{figure.server}, {figure.load}: {short(figure.median)} {figure.unit}; rounds {', '.join(map(short, figure.rounds))}"
    return (
        f'{rule}{load}<g class="s{colours[figure.server]}"><title>{escape(title)}</title>'
        f'<text class="server" x="{LEFT - 12}" y="{middle + 4}">{escape(figure.server)}</text>'
        f'<line class="stem" x1="{LEFT}" x2="{at:.1f}" y1="{middle}" y2="{middle}"/>{rounds}'
        f'<circle class="median" cx="{at:.1f}" cy="{middle}" r="5.5"/>'
        f'<text class="value" x="{at + 12:.1f}" y="{middle + 4}">{short(figure.median)}</text></g>'
    )


def _tick(value: float, at: float, height: int) -> str:
    bottom = height - AXIS
    return (
        f'<line class="grid" x1="{at:.1f}" x2="{at:.1f}" y1="{TOP}" y2="{bottom}"/>'
        f'<text class="tick" x="{at:.1f}" y="{bottom + 14}">{value:,.10g}</text>'
    )


def _scale(values: Sequence[float]) -> tuple[Scale, list[float], str]:
    least, most = min(values), max(values)
    room = WIDTH - LEFT - RIGHT
    if least > 0 and most / least >= LOGARITHMIC_FROM:
        low, high = math.floor(math.log10(least)), math.ceil(math.log10(most))
        ticks = [float(10**power) for power in range(low, high + 1)]
        return (lambda value: LEFT + room * (math.log10(value) - low) / (high - low)), ticks, ", logarithmic"
    step = _step(most or 1.0)
    count = math.ceil((most or 1.0) / step)
    return (
        (lambda value: LEFT + room * value / (step * count)),
        [step * place for place in range(count + 1)],
        "",
    )


def _step(most: float) -> float:
    """Return a round distance of ticks: 1, 2 or 5 times a power of ten."""
    rough = most / TICKS
    power: float = 10.0 ** math.floor(math.log10(rough))
    return next(nice * power for nice in (1, 2, 5, 10) if nice * power >= rough)
