"""`python -m tests.operations.picture docs/dashboard.svg`: the dashboard with figures of servers that suffer.

Two servers are asked by a crowd for minutes while PostgreSQL crashes and stops, the provider stops, and a server
is held until it has lost its leases. Prometheus scrapes them as it is configured in `deploy/monitoring`, and
each panel's own expressions are asked of it. What is drawn is the dashboard's content; Grafana draws it better.
"""

import argparse
import contextlib
import json
import os
import shutil
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.chaos.processes import ROOT, free_port, launch
from tests.chaos.rig import Rig, rig
from tests.chaos.story import Story
from tests.operations.drawing import Line, Panel, drawn

MONITORING = ROOT / "deploy" / "monitoring"
SCRAPED = 10
RATE = 4 * SCRAPED
"""What Grafana takes for `$__rate_interval`, in seconds: four times between two scrapes."""
SETTINGS = {"CHATCORE_MODEL": "mixed:6", "CHATCORE_MAX_TURNS": "60", "CHATCORE_MODEL_TIMEOUT": "5"}


class Prometheus:
    """A Prometheus that scrapes some servers."""

    def __init__(self, url: str) -> None:
        self._url = url

    def wait_ready(self) -> None:
        until = time.monotonic() + 30
        while time.monotonic() < until:
            with contextlib.suppress(OSError, urllib.error.URLError):
                urllib.request.urlopen(f"{self._url}/-/ready", timeout=2).close()
                return
            time.sleep(0.2)
        raise AssertionError("Prometheus does not get ready")

    def asked(self, expression: str, since: float, until: float) -> list[dict[str, Any]]:
        """Return what an expression gives between two instants."""
        options = {"query": expression, "start": since, "end": until, "step": SCRAPED}
        query = urllib.parse.urlencode(options)
        with urllib.request.urlopen(f"{self._url}/api/v1/query_range?{query}", timeout=30) as answer:
            series: list[dict[str, Any]] = json.load(answer)["data"]["result"]
        return series

    def rang(self, since: float, until: float) -> set[str]:
        """Return the alerts that rang."""
        rung = self.asked('ALERTS{alertstate="firing"}', since, until)
        return {series["metric"]["alertname"] for series in rung}


@contextmanager
def prometheus(targets: Sequence[str], program: str) -> Iterator[Prometheus]:
    """Yield a Prometheus configured as ours is, but for where the servers are."""
    with tempfile.TemporaryDirectory(prefix="prom-") as name:
        folder, port = Path(name), free_port()
        said = (MONITORING / "prometheus.yml").read_text()
        said = said.replace("/etc/prometheus/alerts.yml", str(MONITORING / "alerts.yml"))
        said = said.replace('["chatcore:8000"]', json.dumps(list(targets)))
        assert all(target in said for target in targets)
        (folder / "prometheus.yml").write_text(said)
        process = launch(
            [
                program,
                f"--config.file={folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
                "--log.level=warn",
            ],
            folder / "prometheus.log",
            {"PATH": os.environ["PATH"]},
        )
        try:
            made = Prometheus(f"http://127.0.0.1:{port}")
            made.wait_ready()
            yield made
        finally:
            process.terminate()
            process.wait(20)


def troubles(machine: Rig) -> list[Callable[[], None]]:
    """Return what happens to the machine, one after the other, with as much quiet in between."""

    def silent_postgres() -> None:
        machine.freeze_postgres(frozen=True)
        time.sleep(14)
        machine.freeze_postgres(frozen=False)

    def silent_provider() -> None:
        machine.upstream.freeze(frozen=True)
        time.sleep(40)
        machine.upstream.freeze(frozen=False)

    return [machine.crash_postgres, silent_provider, silent_postgres, machine.stop_server]


def panels(asked: Prometheus, since: float, until: float) -> Iterator[Panel]:
    """Yield each panel of the dashboard with what its expressions give."""
    dashboard = json.loads((MONITORING / "dashboard.json").read_text())
    for panel in dashboard["panels"]:
        lines = []
        for target in panel["targets"]:
            expression = target["expr"].replace("$__rate_interval", f"{RATE}s")
            for series in asked.asked(expression, since, until):
                name = target["legendFormat"]
                for label, value in series["metric"].items():
                    name = name.replace(f"{{{{{label}}}}}", value)
                points = [(moment, float(value)) for moment, value in series["values"]]
                lines.append(Line(name=name, points=points))
        unit = panel["fieldConfig"]["defaults"]["unit"]
        yield Panel(title=panel["title"], unit=unit, lines=lines, **panel["gridPos"])


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.operations.picture", description=__doc__)
    parser.add_argument("picture", type=Path)
    parser.add_argument("--seconds", type=float, default=660)
    parser.add_argument("--users", type=int, default=24)
    arguments = parser.parse_args()
    program = shutil.which("prometheus")
    if program is None:
        sys.stderr.write("prometheus is not installed: apt-get install prometheus\n")
        return 1
    story = Story()
    with rig(servers=2, gap=0.02, **SETTINGS) as machine:
        bases = [server.base for server in machine.servers]
        with prometheus([base.removeprefix("http://") for base in bases], program) as asked:
            began = time.time()
            happening = troubles(machine)

            def happens(asking: Callable[[], bool]) -> None:
                for number, trouble in enumerate(happening, 1):
                    due = began + number * arguments.seconds / (len(happening) + 1)
                    while asking() and time.time() < due:
                        time.sleep(0.5)
                        machine.tend()
                    trouble()
                while asking() and time.time() < began + arguments.seconds:
                    time.sleep(0.5)

            story.unfold(bases, arguments.users, happens, machine.tend)
            until = time.time()
            found = list(panels(asked, began + SCRAPED, until))
            rang = asked.rang(began, until)
    title = f"chatcore: two servers, {arguments.users} people, {(until - began) / 60:.0f} minutes"
    arguments.picture.write_text(drawn(title, found, began, until), encoding="utf-8")
    empty = [panel.title for panel in found if not any(line.points for line in panel.lines)]
    sys.stdout.write(
        f"{len(story.promises)} questions, {dict(story.seen.most_common())}\n"
        f"panels without figures: {empty}; alerts that rang: {sorted(rang)}\n"
    )
    return 1 if empty else 0


if __name__ == "__main__":
    sys.exit(main())
