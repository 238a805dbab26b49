"""`chatcore chat`: a terminal that talks to a running server."""

import os
import sys
from collections.abc import Iterator
from datetime import timedelta

import click

from entrypoints.cli.common import give_up, say, settings_or_exit
from entrypoints.cli.talk import GaveUp, Talk, assistant_door, textbook_door
from entrypoints.cli.wire import Wire

_TOKEN_LIFE = timedelta(hours=12)


@click.command()
@click.argument("question", required=False)
@click.option("--url", help="Address of the server.  [default: HOST and PORT of the settings]")
@click.option("--user", default="me", show_default=True, help="Whose conversation it is.")
@click.option(
    "--token", envvar="CHATCORE_TOKEN", help="Bearer token.  [default: one that this installation signs]"
)
@click.option("--conversation", help="Id of a conversation to go on with.")
@click.option("--textbook", is_flag=True, help="Talk to the textbook, which needs no token.")
def chat(
    question: str | None,
    url: str | None,
    user: str,
    token: str | None,
    conversation: str | None,
    textbook: bool,  # noqa: FBT001 - click's way
) -> None:
    """Talk to a running server, one question a line, or ask one QUESTION and end.

    Replies stream to standard output. Ctrl-C stops the reply that is being given; at the prompt it ends the
    talk. A server that is restarted meanwhile goes on where it was.
    """
    settings = settings_or_exit()
    address = url or f"http://{settings.host}:{settings.port}"
    door = textbook_door() if textbook else assistant_door(user)
    talk = Talk(Wire(address, None if textbook else token or _own_token(user)), door, show=_show, tell=say)
    talk.place = conversation
    failed = False
    for line in [question] if question else _lines():
        try:
            talk.ask(line)
        except GaveUp as refusal:
            say(f"No reply: {refusal}")
            failed = True
    if failed and (question or not sys.stdin.isatty()):
        sys.exit(1)


def _own_token(user: str) -> str:
    from entrypoints.wiring.tokens import token_for  # noqa: PLC0415 - only where no token was given

    token = token_for(settings_or_exit(), user, _TOKEN_LIFE)
    if token is None:
        give_up("This installation signs no tokens: give one with --token or CHATCORE_TOKEN.")
    return token


def _lines() -> Iterator[str]:
    """Yield the questions, prompting where somebody types."""
    prompt = _coloured("you> ") if sys.stdin.isatty() else ""
    while True:
        click.echo(prompt, nl=False, err=True)
        try:
            line = sys.stdin.readline()
        except KeyboardInterrupt:
            line = ""
        if not line:
            return
        if line.strip():
            yield line.strip()


def _coloured(words: str) -> str:
    return words if "NO_COLOR" in os.environ else click.style(words, bold=True)


def _show(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
