"""`chatcore doctor`: is everything there that a server needs, and what mends what is not."""

import json
import os
import sys

import click

from entrypoints.cli.common import FAILED
from entrypoints.environment import SettingsFaulty, load_settings, unknown_variables

_MARKS = {"ok": "ok  ", "warning": "warn", "fault": "FAIL"}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def doctor(as_json: bool) -> None:  # noqa: FBT001 - click's way
    """Check every setting and every dependency; exit with 1 if anything mandatory is missing.

    Each line says what was found and, where it is not right, the command or variable that mends it. Nothing is
    changed, except that the embedded database is started and stopped again.
    """
    from entrypoints.wiring.checks import Finding, Grade, checks  # noqa: PLC0415 - after the help is shown

    findings = [
        Finding(Grade.WARNING, name, "is not a setting of this version; see .env.example for their names")
        for name in unknown_variables(os.environ)
    ]
    try:
        settings = load_settings()
    except SettingsFaulty as faulty:
        faults = (fault.partition(": ") for fault in faulty.faults)
        findings += [Finding(Grade.FAULT, name, words) for name, _, words in faults]
    else:
        findings.append(Finding(Grade.OK, "settings", "all are well formed and fit together"))
        findings += checks(settings)
    healthy = all(finding.grade is not Grade.FAULT for finding in findings)
    if as_json:
        told = [{"about": one.about, "grade": one.grade, "detail": one.words} for one in findings]
        click.echo(json.dumps({"ok": healthy, "checks": told}))
    else:
        for finding in findings:
            click.echo(f"{_MARKS[finding.grade]}  {finding.about}: {finding.words}")
    if not healthy:
        sys.exit(FAILED)
