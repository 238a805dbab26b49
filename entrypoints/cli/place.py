"""What commands that need the database share: where it is, whose data it is about, how a refusal is told."""

from collections.abc import Iterator
from contextlib import contextmanager

import click

from chatcore.errors import ChatError, InvalidRequest
from chatcore.principal import checked_user_id
from entrypoints.cli.common import give_up, settings_or_exit
from entrypoints.wiring.storage import Storage, StorageUnusable, storage


@contextmanager
def place_or_exit() -> Iterator[Storage]:
    """Yield where the database is; whatever goes wrong there ends the command in words."""
    try:
        with storage(settings_or_exit()) as place:
            yield place
    except ChatError as error:
        give_up(f"{error.title()}.")
    except StorageUnusable as error:
        give_up(str(error))


def user_or_exit(user_id: str) -> str:
    """Return the id of a user unchanged, or say as of any wrong argument that no user can have it, and end."""
    try:
        return checked_user_id(user_id)
    except InvalidRequest as refusal:
        raise click.UsageError(refusal.detail) from None
