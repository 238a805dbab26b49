"""What the table of promises names is there: tests that were renamed would prove nothing to whoever looks."""

import re
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).parents[1]
TABLE = (TESTS.parent / "docs" / "operations.md").read_text("utf-8").partition("## What is promised, where")[2]


def named() -> Iterator[Path]:
    """Yield each place that the table's second column names; a bare name is a sibling of the one before it."""
    for line in TABLE.splitlines():
        if not line.startswith("| ") or "|---" in line:
            continue
        folder = TESTS
        for name in re.findall(r"`([^`]+)`", line.split(" | ")[1]):
            if command := re.match(r"operations\.(\w+)", name):
                yield TESTS / "operations" / f"{command[1]}.py"
            elif re.fullmatch(r"[\w/]+(\.py)?", name):
                folder = (TESTS / name).parent if "/" in name else folder
                yield folder / name.rpartition("/")[2]


def test_each_promise_has_a_last_figure() -> None:
    rows = [line for line in TABLE.splitlines() if line.startswith("| ") and "|---" not in line]
    assert len(rows) > 50
    columns = {row: [cell.strip() for cell in row.strip("|").split(" | ")] for row in rows}
    assert [row for row, cells in columns.items() if len(cells) != 3 or not re.search(r"\w", cells[2])] == []


def test_each_place_that_is_named_is_there() -> None:
    places = list(named())
    assert len(places) > 50
    assert [str(place) for place in places if not place.exists()] == []
