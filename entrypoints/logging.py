"""What is written down while the program runs: one line per event, JSON unless a developer looks at a terminal.

Each line has `time`, `level`, `event` and `request_id`. No line has what people wrote or were answered, nor
a credential: nothing of ours passes them in, other libraries are heard from warnings on and with the first
line of what they say only, and of an exception its kind and its way are written, but not its words, which
may quote anything.
"""

import logging
import os
import sys
import traceback
from collections.abc import MutableMapping
from typing import TextIO

import msgspec
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from entrypoints.repetitions import OnceInAWhile
from entrypoints.settings import Settings

_ORDER = ("time", "level", "event", "request_id")
_encode = msgspec.json.Encoder(enc_hook=str).encode


def configure_logging(settings: Settings, stream: TextIO | None = None) -> None:
    """Send every line to `stream`, which is standard output unless a test looks."""
    stream = stream or sys.stdout
    readable = stream.isatty() and not settings.production
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        _with_request_id,
        _without_words,
    ]
    render: Processor = _console() if readable else _json
    structlog.configure(
        processors=[*shared, render],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(stream),
        cache_logger_on_first_use=True,
    )
    _hear_libraries(stream, shared, render, max(level, logging.WARNING))


def _hear_libraries(stream: TextIO, shared: list[Processor], render: Processor, level: int) -> None:
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[_first_line, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, render],
        )
    )
    handler.addFilter(OnceInAWhile())
    logging.root.handlers[:] = [handler]
    logging.root.setLevel(level)


def _console() -> Processor:
    colours = "NO_COLOR" not in os.environ
    return structlog.dev.ConsoleRenderer(colors=colours, timestamp_key="time", sort_keys=False)


def _json(_: WrappedLogger, __: str, line: MutableMapping[str, object]) -> str:
    first = {key: line.pop(key) for key in _ORDER}
    return _encode(first | dict(line)).decode()


def _with_request_id(_: WrappedLogger, __: str, line: EventDict) -> EventDict:
    line.setdefault("request_id", None)
    return line


def _first_line(_: WrappedLogger, __: str, line: EventDict) -> EventDict:
    # What follows is often the representation of an object, such as a failed task's exception.
    line["event"] = str(line["event"]).partition("\n")[0]
    line["logger"] = line["_record"].name
    if left_out := getattr(line["_record"], "left_out", 0):
        line["left_out"] = left_out
    return line


def _without_words(_: WrappedLogger, __: str, line: EventDict) -> EventDict:
    line.pop("stack_info", None)
    given = line.pop("exc_info", None)
    error = given[1] if isinstance(given, tuple) else sys.exc_info()[1] if given is True else given
    if isinstance(error, BaseException):
        line["exception"] = way_of(error)
    return line


def way_of(error: BaseException) -> list[str]:
    """Return the kinds of an exception and of its causes, each with the places that it came through."""
    way: list[str] = []
    seen: BaseException | None = error
    while seen is not None:
        frames = traceback.extract_tb(seen.__traceback__)
        places = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
        way.append(" > ".join([f"{type(seen).__module__}.{type(seen).__qualname__}", *places]))
        seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)
    return way
