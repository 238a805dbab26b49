"""Lengths of time on the command line."""

import re
from datetime import timedelta

import click

_DURATION = re.compile(r"(\d{1,6})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def duration(_: click.Context, __: click.Parameter, text: str | None) -> timedelta | None:
    """Read a length of time such as 90s, 15m, 1h or 7d, for an option; nought is none."""
    if text is None:
        return None
    match = _DURATION.fullmatch(text)
    if match is None or not int(match[1]):
        raise click.BadParameter(f"{text!r} is no length of time; write it like 90s, 15m, 1h or 7d")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})
