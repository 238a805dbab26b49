"""What commands share: how settings are read, and how a refusal is told."""

import sys
from typing import NoReturn

import click

from entrypoints.environment import SettingsFaulty, load_settings
from entrypoints.settings import Settings

FAILED = 1
"""The exit code of a command that was understood and did not succeed; 2 is click's for one that was not."""


def settings_or_exit() -> Settings:
    """Return the settings, or say everything that is wrong with them and end."""
    try:
        return load_settings()
    except SettingsFaulty as faulty:
        give_up("The settings are faulty.", *faulty.faults)


def give_up(*lines: str) -> NoReturn:
    """Say why on standard error and end with exit code 1."""
    say(*lines)
    sys.exit(FAILED)


def say(*lines: str) -> None:
    """Write words for a person, which never go where data goes."""
    for line in lines:
        click.echo(line, err=True)
