"""`chatcore export`, `import`, `backup`, `restore` and `user erase`: data out, back in, and forgotten."""

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from chatcore.ports.user_store import UnreadableExport, UserExists, UserNotFound, UserStore
from entrypoints.cli.common import give_up, say
from entrypoints.cli.place import place_or_exit, user_or_exit
from entrypoints.wiring.archives import ArchiveFailed, back_up, bring_back
from entrypoints.wiring.storage import Storage
from entrypoints.wiring.users import erased, user_store

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.argument("user")
def export(user: str) -> None:
    """Write everything of a USER to standard output, as lines of JSON; the server may run meanwhile."""
    with _place() as place:
        lines = asyncio.run(_exported(user_store(place), user_or_exit(user)))
    say(f"{lines} lines")


@click.command("import")
@click.argument("user")
def import_(user: str) -> None:
    """Read an export from standard input and record it as USER's data, all or nothing."""
    with _place() as place:
        lines = asyncio.run(user_store(place).import_(user_or_exit(user), _standard_input(), _tell_lines))
    say(f"{lines} lines")


@click.command()
@click.argument("file", type=_FILE)
def backup(file: Path) -> None:
    """Write the whole database to a new FILE and verify it; the server may run meanwhile.

    For a database you run, DATABASE_URL_BACKUP has to name a role that row-level security does not bind.
    """
    with _place() as place:
        back_up(place, file, say)


@click.command()
@click.argument("file", type=_FILE)
def restore(file: Path) -> None:
    """Bring a backup back into a database that holds nothing, all or nothing, and up to this version.

    The role in DATABASE_URL_UNPOOLED will own everything; the one in DATABASE_URL is granted what it needs.
    """
    with _place() as place:
        bring_back(place, file, say)


@click.group()
def user() -> None:
    """Do something to everything that belongs to one user."""


@user.command()
@click.argument("user_id", metavar="USER")
@click.option("--yes", is_flag=True, help="Do not ask.")
def erase(user_id: str, yes: bool) -> None:  # noqa: FBT001 - click's way
    """Forget everything of a USER, for ever."""
    owner = user_or_exit(user_id)
    if not yes:
        click.confirm(f"Forget everything of {owner}, for ever?", abort=True, err=True)
    with _place() as place:
        known = asyncio.run(erased(place, owner))
    if not known:
        give_up(f"Nothing is known of {owner}.")
    say(f"Everything of {owner} is forgotten.")


@contextmanager
def _place() -> Iterator[Storage]:
    """Yield where the database is; whatever goes wrong there, or with the data, ends the command in words."""
    try:
        with place_or_exit() as place:
            yield place
    except UserNotFound:
        give_up("Nothing is known of this user.")
    except UserExists:
        give_up("There is data of this user already, and none of it is overwritten.")
    except UnreadableExport as error:
        give_up(f"This is no whole export: {error}")
    except ArchiveFailed as error:
        give_up(str(error))


async def _exported(users: UserStore, owner: str) -> int:
    lines = 0
    async for line in users.export(owner, _tell_lines):
        sys.stdout.buffer.write(line + b"\n")
        lines += 1
    sys.stdout.buffer.flush()
    return lines


async def _standard_input() -> AsyncIterator[bytes]:
    for line in sys.stdin.buffer:
        yield line.rstrip(b"\r\n")


def _tell_lines(lines: int) -> None:
    if sys.stderr.isatty():
        click.echo(f"\r{lines:,} lines", nl=False, err=True)
