"""The program `chatcore`: its commands by name, each with a line of help, loaded when it is called."""

from collections.abc import Callable
from types import MappingProxyType
from typing import NamedTuple

import click


class Verb(NamedTuple):
    """A command that is not imported yet: its line in the help, and what imports it."""

    line: str
    load: Callable[[], click.Command]


class LazyGroup(click.Group):
    """A group of commands that knows their names and help without importing them."""

    def __init__(self, verbs: MappingProxyType[str, Verb], **options: object) -> None:
        """Take the commands by name; the options are click's."""
        super().__init__(**options)  # type: ignore[arg-type]  # handed on as they are
        self._verbs = verbs

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order in which a newcomer needs them."""
        del ctx
        return list(self._verbs)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command and return it."""
        del ctx
        verb = self._verbs.get(cmd_name)
        return verb.load() if verb else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands' lines without importing them."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, verb.line) for name, verb in self._verbs.items()])


def _serve() -> click.Command:
    from entrypoints.cli.serve import serve  # noqa: PLC0415 - late, so that the help is there at once

    return serve


def _migrate() -> click.Command:
    from entrypoints.cli.migrate import migrate  # noqa: PLC0415 - as above

    return migrate


def _doctor() -> click.Command:
    from entrypoints.cli.doctor import doctor  # noqa: PLC0415 - as above

    return doctor


def _token() -> click.Command:
    from entrypoints.cli.token import token  # noqa: PLC0415 - as above

    return token


def _chat() -> click.Command:
    from entrypoints.cli.chat import chat  # noqa: PLC0415 - as above

    return chat


def _key() -> click.Command:
    from entrypoints.cli.key import key  # noqa: PLC0415 - as above

    return key


def _export() -> click.Command:
    from entrypoints.cli.data import export  # noqa: PLC0415 - as above

    return export


def _import() -> click.Command:
    from entrypoints.cli.data import import_  # noqa: PLC0415 - as above

    return import_


def _backup() -> click.Command:
    from entrypoints.cli.data import backup  # noqa: PLC0415 - as above

    return backup


def _restore() -> click.Command:
    from entrypoints.cli.data import restore  # noqa: PLC0415 - as above

    return restore


def _audit() -> click.Command:
    from entrypoints.cli.audit import audit  # noqa: PLC0415 - as above

    return audit


def _user() -> click.Command:
    from entrypoints.cli.data import user  # noqa: PLC0415 - as above

    return user


VERBS = MappingProxyType(
    {
        "serve": Verb("Serve HTTP until Ctrl-C.", _serve),
        "chat": Verb("Talk to a running server.", _chat),
        "token": Verb("Print a bearer token for a user.", _token),
        "doctor": Verb("Check every setting and every dependency.", _doctor),
        "migrate": Verb("Bring the database's schema up, down, or say where it stands.", _migrate),
        "key": Verb("Make, list and revoke API keys of a user.", _key),
        "export": Verb("Write everything of a user to standard output.", _export),
        "import": Verb("Read an export from standard input.", _import),
        "backup": Verb("Write the whole database to a file.", _backup),
        "restore": Verb("Bring a backup back into an empty database.", _restore),
        "audit": Verb("Show what a user did, and prune what is too old.", _audit),
        "user": Verb("Erase everything of a user.", _user),
    }
)


def _print_version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:  # noqa: FBT001 - click's way
    if not wanted:
        return
    from importlib.metadata import version  # noqa: PLC0415 - only this option needs it

    click.echo(f"chatcore {version('chatcore')}")
    ctx.exit()


@click.command(
    cls=LazyGroup,
    verbs=VERBS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Print the version.",
)
def main() -> None:
    """Chat over PostgreSQL: durable, isolated, fast. Settings are environment variables; see `chatcore doctor`."""
