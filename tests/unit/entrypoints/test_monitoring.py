"""The dashboard and the alerts speak of figures that there are."""

import json
import re
from pathlib import Path

import pytest

from entrypoints.container import Container
from entrypoints.settings import Settings

MONITORING = Path(__file__).parents[3] / "deploy" / "monitoring"
FIGURE = re.compile(r"chatcore_[a-z_]+")
PARTS = re.compile(r"_(bucket|sum|count|total)$")


@pytest.mark.anyio
async def test_every_figure_that_is_watched_exists() -> None:
    container = Container(settings=Settings(database_url="postgresql://nobody@127.0.0.1:1/nothing"))
    async with container.opened():
        shown = container.metrics().exposition().decode()
    known = {PARTS.sub("", line.split()[2]) for line in shown.splitlines() if line.startswith("# TYPE")}
    dashboard = json.loads((MONITORING / "dashboard.json").read_text())
    expressions = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    expressions.append((MONITORING / "alerts.yml").read_text())
    watched = {PARTS.sub("", name) for text in expressions for name in FIGURE.findall(text)}
    assert watched
    assert watched <= known
