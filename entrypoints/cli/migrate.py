"""`chatcore migrate`: the schema of a database."""

import json

import click

from entrypoints.cli.common import give_up, say, settings_or_exit
from entrypoints.wiring.schema import SchemaState, bring_down, bring_up, states
from entrypoints.wiring.storage import StorageUnusable, storage


@click.command()
@click.argument("direction", type=click.Choice(["up", "down", "status"]), default="up")
@click.option("--steps", type=click.IntRange(1), default=1, show_default=True, help="How many go down.")
@click.option("--all", "everything", is_flag=True, help="All go down.")
@click.option("--json", "as_json", is_flag=True, help="With status: one JSON document.")
def migrate(direction: str, steps: int, everything: bool, as_json: bool) -> None:  # noqa: FBT001 - click's way
    """Bring the schema up to this version, down again, or say where it stands.

    The schema's owner goes into DATABASE_URL_UNPOOLED; the role in DATABASE_URL is then granted exactly what
    serving needs. Without DATABASE_URL it is about the embedded database.
    """
    settings = settings_or_exit()
    if settings.embedded and direction == "down":
        give_up("The embedded database is brought up whenever it is started; set DATABASE_URL to another one.")
    try:
        with storage(settings) as place:
            if direction == "up":
                _tell("up", bring_up(place))
            elif direction == "down":
                _tell("down", bring_down(place, None if everything else steps))
            else:
                _show(states(place), as_json=as_json)
    except StorageUnusable as error:
        give_up(str(error))


def _tell(direction: str, ids: list[str]) -> None:
    for id_ in ids:
        click.echo(f"{id_} {direction}")
    if not ids:
        say(f"nothing to bring {direction}")


def _show(found: list[SchemaState], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps([{"id": one.id, "state": one.state} for one in found]))
        return
    for one in found:
        click.echo(f"{one.id} {one.state}")
