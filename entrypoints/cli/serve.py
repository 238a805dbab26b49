"""`chatcore serve`: the server."""

import gc

import click
import msgspec

from entrypoints.cli.common import give_up, say, settings_or_exit


@click.command()
@click.option("--host", help="Address to listen on, in place of HOST.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on, in place of PORT.")
def serve(host: str | None, port: int | None) -> None:
    """Serve HTTP until Ctrl-C.

    Without DATABASE_URL a real PostgreSQL is started under CHATCORE_DATA_DIR, and stopped in the end.
    """
    # Nothing that is imported is garbage, and looking for some takes a quarter of the time to start.
    gc.disable()
    chosen = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    settings = msgspec.structs.replace(settings_or_exit(), **chosen)
    # Here and not above, so that faulty settings are told at once.
    from entrypoints.serving import Refused  # noqa: PLC0415 - late, see above
    from entrypoints.serving import serve as run  # noqa: PLC0415 - as above

    try:
        run(settings, say)
    except Refused as refusal:
        give_up(str(refusal))
    except KeyboardInterrupt:
        say("stopped")
    finally:
        gc.enable()
