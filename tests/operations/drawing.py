"""Draws a dashboard's panels, in the places that Grafana gives them, as one SVG."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import cycle, pairwise

COLUMN, ROW, GAP = 56, 32, 8
LEFT, RIGHT, TOP = 62, 14, 34
AXIS, LEGEND, LETTER = 22, 15, 6.0
"""Heights of the axis' words and of a row of the legend, and the width of a letter, in pixels."""
LINES = 4
COLOURS = (
    "#3274d9",
    "#e0752d",
    "#56a64b",
    "#c4162a",
    "#8f3bb8",
    "#b58900",
    "#1f78a4",
    "#7c7c7c",
    "#d683ce",
    "#203764",
)
PREFIXES = ((1e9, "G"), (1e6, "M"), (1e3, "k"), (1, ""))
RATES = {"reqps": " req/s", "ops": " /s", "short": ""}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of a panel: what it is called, and its values at instants, in seconds."""

    name: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """What a panel shows, where (in Grafana's grid of 24 columns), and in what unit."""

    title: str
    unit: str
    x: int
    y: int
    w: int
    h: int
    lines: Sequence[Line]


def drawn(title: str, panels: Sequence[Panel], since: float, until: float) -> str:
    """Return the panels as an SVG document, over the time from `since` to `until`, in seconds."""
    width = 24 * COLUMN + GAP
    height = max(panel.y + panel.h for panel in panels) * ROW + ROW + GAP
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}">',
        "<style>text { font: 11px Inter, Helvetica, Arial, sans-serif }</style>",
        f'<rect width="{width}" height="{height}" fill="#f4f5f7"/>',
        f'<text x="{GAP * 2}" y="22" style="font-size: 14px; font-weight: 600">{escape(title)}</text>',
    ]
    for panel in panels:
        parts.extend(_panel(panel, since, until))
    return "\n".join([*parts, "</svg>\n"])


def _panel(panel: Panel, since: float, until: float) -> Iterable[str]:
    x, y = panel.x * COLUMN + GAP, panel.y * ROW + ROW
    w, h = panel.w * COLUMN - GAP, panel.h * ROW - GAP
    rows = _rows([line.name for line in panel.lines], w)
    bottom = AXIS + LEGEND * len(rows) + 6
    inner_w, inner_h = w - LEFT - RIGHT, h - TOP - bottom
    step = _step(max((value for line in panel.lines for _, value in line.points), default=1))
    top = step * LINES
    yield f'<g transform="translate({x} {y})"><rect width="{w}" height="{h}" rx="3" fill="#fff" stroke="#dcdee3"/>'
    yield f'<text x="12" y="20" style="font-size: 12px; font-weight: 600">{escape(panel.title)}</text>'
    for number in range(LINES + 1):
        at = TOP + inner_h * (1 - number / LINES)
        yield f'<path d="M{LEFT} {at:.1f}H{w - RIGHT}" stroke="#e7e9ee"/>'
        words = _shown(number * step, panel.unit)
        yield f'<text x="{LEFT - 6}" y="{at + 4:.1f}" text-anchor="end" fill="#666">{words}</text>'
    for minute in range(0, int((until - since) // 60) + 1, 2):
        at = LEFT + inner_w * minute * 60 / (until - since)
        yield f'<text x="{at:.1f}" y="{h - bottom + 14}" text-anchor="middle" fill="#666">{minute} min</text>'
    colours = dict(zip([line.name for line in panel.lines], cycle(COLOURS), strict=False))
    for line in panel.lines:
        runs = _runs(line.points)
        path = "".join(
            ("M" if first else "L")
            + f"{LEFT + inner_w * (moment - since) / (until - since):.1f} {TOP + inner_h * (1 - value / top):.1f}"
            for run in runs
            for first, (moment, value) in zip([True] + [False] * len(run), run, strict=False)
        )
        yield f'<path d="{path}" fill="none" stroke="{colours[line.name]}" stroke-width="1.6" stroke-linejoin="round"/>'
    yield from _legend(rows, colours, h - bottom + AXIS + LEGEND)
    yield "</g>"


def _legend(rows: Sequence[Sequence[str]], colours: Mapping[str, str], top: float) -> Iterable[str]:
    for number, row in enumerate(rows):
        x, y = 12.0, top + number * LEGEND
        for name in row:
            yield f'<rect x="{x:.0f}" y="{y - 6}" width="12" height="4" rx="2" fill="{colours[name]}"/>'
            yield f'<text x="{x + 16:.0f}" y="{y}" fill="#444">{escape(name)}</text>'
            x += _width(name)


def _rows(names: Sequence[str], width: float) -> list[list[str]]:
    """Return the names of a legend in rows that a panel has room for."""
    rows: list[list[str]] = [[]]
    for name in names:
        if sum(map(_width, [*rows[-1], name])) > width - 12:
            rows.append([])
        rows[-1].append(name)
    return rows


def _width(name: str) -> float:
    return 28 + LETTER * len(name)


def _runs(points: Sequence[tuple[float, float]]) -> list[list[tuple[float, float]]]:
    """Return the points in runs without a gap: a value that is none breaks a line."""
    runs: list[list[tuple[float, float]]] = [[]]
    steps = [after[0] - before[0] for before, after in pairwise(points)]
    usual = min(steps, default=0)
    for moment, value in points:
        late = bool(runs[-1]) and moment - runs[-1][-1][0] > 1.5 * usual
        if not math.isfinite(value) or late:
            runs.append([])
        if math.isfinite(value):
            runs[-1].append((moment, value))
    # A point alone would not be seen.
    return [run if len(run) > 1 else [*run, (run[0][0] + usual / 4, run[0][1])] for run in runs if run]


def _step(largest: float) -> float:
    """Return a round distance of lines, so that LINES of them hold the largest value."""
    least = max(largest, 1e-9) / LINES
    size = 10.0 ** math.floor(math.log10(least))
    return next(size * factor for factor in (1, 2, 2.5, 5, 10) if size * factor >= least * 0.999)


def _shown(value: float, unit: str) -> str:
    if unit == "s":
        return f"{value:g} s" if value >= 1 or not value else f"{value * 1000:g} ms"
    size, prefix = next((one for one in PREFIXES if value >= one[0]), (1, ""))
    return f"{round(value / size, 3):g}{prefix}{RATES[unit]}"
