"""`chatcore audit`: what users did, shown and pruned."""

import json
import sys
from datetime import timedelta
from uuid import UUID

import click

from chatcore.audit import AuditEntry
from entrypoints.cli.common import say
from entrypoints.cli.duration import duration
from entrypoints.cli.place import place_or_exit, user_or_exit
from entrypoints.wiring.audit import entries, pruned

_LONGEST = 10_000


@click.group()
def audit() -> None:
    """Show what users did, and prune what is too old to be kept."""


@audit.command(short_help="Show what a USER did, newest first.")
@click.argument("user")
@click.option("--limit", type=click.IntRange(1, _LONGEST), default=50, show_default=True, help="How many.")
@click.option("--before", type=click.UUID, help="Only what came before the entry with this id.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def show(user: str, limit: int, before: UUID | None, as_json: bool) -> None:  # noqa: FBT001 - click's way
    """Show what a USER did, newest first; foreign attempts stand with whoever made them.

    A line holds: when, status, route, ids in its path, problem, how the caller was known, address, request id. A hyphen
    stands where there is none.
    """
    owner = user_or_exit(user)
    with place_or_exit() as place:
        page = entries(place, owner, limit, None if before is None else str(before))
    if as_json:
        click.echo(json.dumps([_facts(entry) for entry in page.entries]))
    else:
        for entry in page.entries:
            click.echo(_line(entry))
    if not page.entries:
        say(f"No entries of {owner}." if before is None else f"No entries of {owner} before that one.")
    if page.next_key is not None:
        say(f"There are older ones: --before {page.next_key}")


@audit.command(short_help="Delete what is too old, of everybody.")
@click.option(
    "--older-than", "age", required=True, callback=duration, help="How old, such as 90d; nothing younger goes."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def prune(age: timedelta, as_json: bool) -> None:  # noqa: FBT001 - click's way
    """Delete what everybody did too long ago, in small steps; the server may run meanwhile.

    DATABASE_URL_UNPOOLED has to name the schema's owner: the role that serves can delete nothing of this.
    """
    with place_or_exit() as place:
        gone = pruned(place, age, _tell_rows)
    if as_json:
        click.echo(json.dumps({"pruned": gone}))
    say(_rows(gone) + " went")


def _facts(entry: AuditEntry) -> dict[str, object]:
    return {
        "id": entry.id,
        "at": entry.at.isoformat(),
        "owner": entry.owner,
        "method": entry.method,
        "action": entry.action,
        "resource": _ids(entry),
        "status": entry.status,
        "problem": entry.problem,
        "request_id": entry.request_id,
        "address": entry.address,
    }


def _line(entry: AuditEntry) -> str:
    # Callers choose the ids: as JSON none of them can break the line or write to the terminal.
    parts = (
        entry.at.isoformat(timespec="milliseconds"),
        str(entry.status),
        entry.action,
        json.dumps(_ids(entry)),
        entry.problem or "-",
        entry.method,
        entry.address or "-",
        entry.request_id,
    )
    return " ".join(parts)


def _ids(entry: AuditEntry) -> dict[str, str]:
    return {name: str(id_) for name, id_ in entry.resource.items()}


def _tell_rows(rows: int) -> None:
    if sys.stderr.isatty():
        click.echo(f"\r{_rows(rows)}", nl=False, err=True)


def _rows(number: int) -> str:
    return "1 row" if number == 1 else f"{number:,} rows"
