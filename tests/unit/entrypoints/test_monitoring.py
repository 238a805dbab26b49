"""The dashboard and the alerts speak of figures that there are."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from entrypoints.container import Container
from entrypoints.settings import Settings

ROOT = Path(__file__).parents[3]
MONITORING, OPERATIONS = ROOT / "deploy" / "monitoring", ROOT / "docs" / "operations.md"
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


def alerts() -> set[str]:
    return set(re.findall(r"alert: (\w+)", (MONITORING / "alerts.yml").read_text()))


def test_each_alert_is_tried_and_has_its_line_for_whoever_is_woken() -> None:
    tried = set(re.findall(r"alertname: (\w+)", (MONITORING / "alerts_test.yml").read_text()))
    described = set(re.findall(r"^\| (Chatcore\w+) \|", OPERATIONS.read_text("utf-8"), re.MULTILINE))
    assert alerts()
    assert alerts() == tried == described


def test_each_alert_rings_for_what_it_is_meant_for() -> None:
    program = shutil.which("promtool")
    if program is None:
        pytest.skip("promtool is not installed: apt-get install prometheus")
    tried = subprocess.run(
        [program, "test", "rules", "alerts_test.yml"],
        cwd=MONITORING,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert tried.returncode == 0, tried.stdout + tried.stderr
