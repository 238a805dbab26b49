"""`chatcore token`: a bearer token of this installation."""

from datetime import timedelta

import click

from chatcore.errors import InvalidRequest
from entrypoints.cli.common import give_up, settings_or_exit
from entrypoints.cli.duration import duration
from entrypoints.wiring.tokens import token_for


@click.command()
@click.argument("user")
@click.option("--ttl", callback=duration, default="1h", show_default=True, help="How long the token is valid.")
def token(user: str, ttl: timedelta) -> None:
    """Print a bearer token for a user.

    It is signed with AUTH_JWT_SECRET or, in development, with this installation's own key.
    """
    settings = settings_or_exit()
    try:
        signed = token_for(settings, user, ttl)
    except InvalidRequest as refusal:
        raise click.UsageError(refusal.detail) from None
    except OSError as error:
        give_up(f"The development key cannot be read or written: {error}.")
    if signed is None:
        give_up(
            "This server does not sign tokens: callers are known by "
            + ", ".join(settings.authentication)
            + ".",
            "Set AUTH_JWT_SECRET to have tokens of its own, or ask the issuer for one.",
        )
    click.echo(signed)
