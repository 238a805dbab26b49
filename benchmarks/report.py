"""The page a person looks at, with plots inside and nothing fetched, and the raw figures beside it."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from html import escape
from pathlib import Path
from string import Template
from typing import Final

import msgspec

from benchmarks.figures import Figure, Results
from benchmarks.goals import MODEL, OURS, USUAL, Verdict, verdicts
from benchmarks.plot import dots, short

HERE: Final = Path(__file__).parent
# These keep their colours on every page; others follow.
KNOWN: Final = (OURS, USUAL, MODEL)
COLOURS: Final = 6
NOT_MEASURED: Final = "not measured"


def write(out: Path, results: Results, facts: Mapping[str, str]) -> Path:
    """Write `latest.html` and `latest.json` into a directory, and return the page's path."""
    out.mkdir(parents=True, exist_ok=True)
    page, raw = out / "latest.html", out / "latest.json"
    judged = [{**asdict(verdict), "met": verdict.met} for verdict in verdicts(results)]
    content = {"machine": facts, "goals": judged, **results.as_json()}
    raw.write_bytes(msgspec.json.format(msgspec.json.encode(content), indent=1))
    page.write_text(as_html(results, facts, raw.name))
    return page


def as_text(results: Results) -> str:
    """Return the figures for a terminal, a line each."""
    lines = [
        f"{figure.name:24} {figure.server:14} {figure.load:40} {short(figure.median):>9} {figure.unit}"
        for figure in results.figures
    ]
    judged = [
        f"{_mark(verdict):12} {verdict.what}: {_value(verdict)} (goal: {_target(verdict)})"
        for verdict in verdicts(results)
    ]
    return "\n".join([*lines, "", *judged, "", *(f"skipped: {reason}" for reason in results.skipped)])


def as_html(results: Results, facts: Mapping[str, str], raw: str) -> str:
    """Return the page."""
    colours = _colours(results)
    names = dict.fromkeys(figure.name for figure in results.figures)
    template = Template((HERE / "report.html").read_text())
    return template.substitute(
        when=escape(facts.get("when", "")),
        lead=escape(_lead(facts)),
        style=(HERE / "report.css").read_text(),
        goals=_goals(verdicts(results)),
        legend="".join(
            f'<span class="s{number}"><i></i>{escape(name)}</span>' for name, number in colours.items()
        ),
        plots="\n".join(_plot(name, list(results.named(name)), colours) for name in names),
        facts=_facts(facts),
        skipped=_skipped(results.skipped),
        raw=escape(raw),
    )


def _lead(facts: Mapping[str, str]) -> str:
    named = {"cores": "{} cores", "load before": "load before it {}"}
    wanted = ("when", "processor", "cores", "load before")
    return ", ".join(named.get(name, "{}").format(facts[name]) for name in wanted if name in facts)


def _colours(results: Results) -> dict[str, int]:
    measured = dict.fromkeys(figure.server for figure in results.figures)
    others = [name for name in measured if name not in KNOWN]
    numbers = {name: place for place, name in enumerate(KNOWN) if name in measured}
    return numbers | {name: min(len(KNOWN) + place, COLOURS - 1) for place, name in enumerate(others)}


def _plot(name: str, figures: list[Figure], colours: dict[str, int]) -> str:
    loads = list(dict.fromkeys(figure.load for figure in figures))
    ordered = sorted(figures, key=lambda figure: (loads.index(figure.load), colours[figure.server]))
    return f"<figure><h3>{escape(name)}</h3>\n{dots(ordered, colours)}\n</figure>"


def _goals(judged: Iterable[Verdict]) -> str:
    rows = "".join(
        f'<tr><th scope="row">{escape(verdict.what)}</th><td class="number">{escape(_target(verdict))}</td>'
        f'<td class="number">{escape(_value(verdict))}</td><td class="{_class(verdict)}">{_mark(verdict)}</td></tr>\n'
        for verdict in judged
    )
    head = '<th>Figure</th><th class="number">Goal</th><th class="number">This run</th><th></th>'
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>\n{rows}</tbody></table></div>'


def _facts(facts: Mapping[str, str]) -> str:
    rows = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td>{escape(value)}</td></tr>\n'
        for name, value in facts.items()
    )
    return f'<div class="scroll"><table class="facts"><tbody>\n{rows}</tbody></table></div>'


def _skipped(reasons: list[str]) -> str:
    if not reasons:
        return ""
    listed = "".join(f"<li>{escape(reason)}</li>\n" for reason in reasons)
    return f"<section>\n<h2>Not measured</h2>\n<ul>\n{listed}</ul>\n</section>"


def _target(verdict: Verdict) -> str:
    return f"{'≥' if verdict.at_least else '≤'} {verdict.target:,g} {verdict.unit}"


def _value(verdict: Verdict) -> str:
    return "" if verdict.value is None else f"{short(verdict.value)} {verdict.unit}"


def _mark(verdict: Verdict) -> str:
    return {True: "reached", False: "missed", None: NOT_MEASURED}[verdict.met]


def _class(verdict: Verdict) -> str:
    return {True: "yes", False: "no", None: "unknown"}[verdict.met]
