"""`chatcore key`: API keys of users, made, listed and revoked."""

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from uuid import UUID

import click

from chatcore.api_key import ApiKey
from chatcore.errors import InvalidRequest
from chatcore.ports.api_key_store import ApiKeyStore
from chatcore.principal import Scope
from entrypoints.cli.common import give_up, say
from entrypoints.cli.duration import duration
from entrypoints.cli.place import place_or_exit
from entrypoints.wiring.keys import new_key, with_key_store

T = TypeVar("T")
_SCOPES = tuple(scope.value for scope in Scope)
_USUAL = (Scope.READ.value, Scope.WRITE.value)


@click.group()
def key() -> None:
    """Make, list and revoke the API keys of a user."""


@key.command()
@click.argument("user")
@click.option("--name", default="key", show_default=True, help="What the key is for.")
@click.option(
    "--scope",
    type=click.Choice(_SCOPES),
    multiple=True,
    default=_USUAL,
    show_default=True,
    help="What it may do, once for each; erase is to forget the user with everything.",
)
@click.option("--ttl", callback=duration, help="How long it is valid.  [default: until it is revoked]")
def create(user: str, name: str, scope: tuple[str, ...], ttl: timedelta | None) -> None:
    """Make a key and print it; it is shown this once and never again."""
    now = datetime.now(UTC)
    scopes = frozenset(Scope(one) for one in scope)
    try:
        made, text = new_key(user, name, scopes, now, None if ttl is None else now + ttl)
    except InvalidRequest as refusal:
        raise click.UsageError(refusal.detail) from None
    _with_store(lambda store: store.add(made, text))
    click.echo(text.text)
    say(f"Key {made.id} of {user}. It is not shown again.")


@key.command("list")
@click.argument("user")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def list_(user: str, as_json: bool) -> None:  # noqa: FBT001 - click's way
    """List a user's keys, the revoked and expired ones too."""
    keys = _with_store(lambda store: store.of_owner(user))
    now = datetime.now(UTC)
    if as_json:
        click.echo(json.dumps([_facts(one, now) for one in keys]))
        return
    for one in keys:
        facts = _facts(one, now)
        click.echo(f"{facts['id']} {facts['state']} {'+'.join(sorted(one.scopes))} {one.name}")


@key.command()
@click.argument("user")
@click.argument("key_id", type=click.UUID)
def revoke(user: str, key_id: UUID) -> None:
    """Make a key open nothing any more, within ten seconds everywhere."""
    if not _with_store(lambda store: store.revoke(user, key_id, datetime.now(UTC))):
        give_up(f"{user} has no key {key_id}.")
    say(f"Key {key_id} opens nothing any more.")


def _facts(one: ApiKey, now: datetime) -> dict[str, str | list[str] | None]:
    state = "revoked" if one.revoked_at else "valid" if one.valid_at(now) else "expired"
    return {
        "id": str(one.id),
        "name": one.name,
        "state": state,
        "scopes": sorted(one.scopes),
        "created_at": one.created_at.isoformat(),
        "expires_at": _written(one.expires_at),
        "last_used_at": _written(one.last_used_at),
    }


def _written(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _with_store(do: Callable[[ApiKeyStore], Awaitable[T]]) -> T:
    with place_or_exit() as place:
        return with_key_store(place, do)
