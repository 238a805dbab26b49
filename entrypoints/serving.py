"""From settings to a server that answers: the database, the checks before it is trusted, the application."""

import gc
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import structlog

from entrypoints.banner import banner
from entrypoints.logging import configure_logging
from entrypoints.settings import Settings
from entrypoints.wiring import models, tracing
from entrypoints.wiring.storage import MIGRATE, Storage, StorageUnusable, goes_through_a_pooler, storage

_PATIENCE = 8.0
"""Seconds that production waits for a database to answer before it refuses to start."""


class Refused(Exception):
    """The server must not, or cannot, start; says why in a line or more."""


def serve(settings: Settings, say: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT; `say` is given words for whoever started it.

    Raises:
        Refused: it does not start.
    """
    configure_logging(settings)
    # Until the server itself listens to it: whatever was started by then is stopped on the way out.
    signal.signal(signal.SIGTERM, _leave)
    try:
        models.check(settings)
    except models.ModelUnusable as error:
        raise Refused(f"CHATCORE_LLM: {error}") from error
    try:
        if settings.otlp_endpoint is not None:
            tracing.check()
    except tracing.TracingUnusable as error:
        raise Refused(f"OTEL_EXPORTER_OTLP_ENDPOINT: {error}") from error
    with _bound(settings) as listening, _placed(settings) as place:
        for warning in _checked(settings, place):
            say(warning)
        _run(settings, place, listening, say)


def _leave(*_: object) -> None:
    sys.exit(0)


def _run(settings: Settings, place: Storage, listening: socket.socket, say: Callable[[str], None]) -> None:
    # Here and not above, so that what can be refused is refused before half a second of imports.
    from entrypoints.container import Container  # noqa: PLC0415
    from entrypoints.http import create_app  # noqa: PLC0415
    from entrypoints.server import Server  # noqa: PLC0415

    container = Container(settings=settings, database_url=place.app_url, pooled=_pooled(settings, place))
    log = structlog.get_logger()
    host, port = listening.getsockname()[:2]

    def ready() -> None:
        # What is there by now stays; from here on only what requests leave behind is looked through.
        gc.freeze()
        gc.enable()
        log.info("serving", host=host, port=port, model=container.language_model().name, env=settings.env)
        say(banner(settings, place, host, port))

    def tick() -> None:
        if place.revive is not None:
            with suppress(StorageUnusable):
                if place.revive():
                    log.warning("the embedded database had died and was started again")

    server = Server(
        create_app(container),
        settings,
        drain=container.speaker().drain,
        ready=ready,
        tick=tick,
    )
    try:
        server.run(sockets=[listening])
    except SystemExit as error:  # uvicorn's way of saying that the lifespan failed; the log says why
        raise Refused("The application did not start.") from error
    log.info("stopped")


def _pooled(settings: Settings, place: Storage) -> bool:
    try:
        return not place.embedded and place.pooled()
    except StorageUnusable:
        return goes_through_a_pooler(settings)


@contextmanager
def _bound(settings: Settings) -> Iterator[socket.socket]:
    """Yield a socket at the address, so that one which is taken is noticed before anything is started."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listening = socket.socket(family, kind, protocol)
    except OSError as error:
        raise Refused(f"HOST: {settings.host} is no address of this machine ({error.strerror}).") from error
    with listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind(address)
        except OSError as error:
            raise Refused(
                f"{settings.host}:{settings.port} cannot be listened on ({error.strerror}); set HOST or PORT."
            ) from error
        yield listening


@contextmanager
def _placed(settings: Settings) -> Iterator[Storage]:
    try:
        with storage(settings) as place:
            yield place
    except StorageUnusable as error:
        raise Refused(str(error)) from error


def _checked(settings: Settings, place: Storage) -> list[str]:
    """Return what a developer should know about the database; production refuses to start with any of it."""
    try:
        concerns = _concerns(place, _PATIENCE if settings.production else 0)
    except StorageUnusable as error:
        until = "" if settings.production else " Requests are refused with 503 until it does."
        concerns = [f"The database does not answer ({error}).{until}"]
    if concerns and settings.production:
        raise Refused("Production does not start:\n" + "\n".join(concerns))
    return concerns


def _concerns(place: Storage, patience: float) -> list[str]:
    deadline = time.monotonic() + patience
    while True:
        try:
            exposures = place.exposures()
            lacking = place.pending()
        except StorageUnusable:
            if time.monotonic() + 1 > deadline:
                raise
            time.sleep(1)
            continue
        missing = [f"The database lacks {', '.join(lacking)}. Run: {MIGRATE}"] if lacking else []
        return [*(f"The database does not keep users apart: {one}" for one in exposures), *missing]
