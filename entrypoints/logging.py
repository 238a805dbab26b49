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
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import TextIO

import msgspec
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from entrypoints.repetitions import OnceInAWhile
from entrypoints.settings import Settings

current_request: ContextVar[str | None] = ContextVar("request_id", default=None)
"""The id of the request that is being answered; what runs on its behalf has it, too."""

_encode = msgspec.json.Encoder(enc_hook=str).encode


def configure_logging(settings: Settings, stream: TextIO | None = None) -> None:
    """Send every line to `stream`, which is standard output unless a test looks."""
    stream = stream or sys.stdout
    readable = stream.isatty() and not settings.production
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    render: Processor = _console() if readable else _json
    structlog.configure(
        processors=[_whole, render],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(stream),
        cache_logger_on_first_use=True,
    )
    _hear_libraries(stream, render, max(level, logging.WARNING))


def _hear_libraries(stream: TextIO, render: Processor, level: int) -> None:
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[_first_line, _whole],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, render],
        )
    )
    handler.addFilter(OnceInAWhile())
    logging.root.handlers[:] = [handler]
    logging.root.setLevel(level)


def _console() -> Processor:
    colours = "NO_COLOR" not in os.environ
    return structlog.dev.ConsoleRenderer(colors=colours, timestamp_key="time", sort_keys=False)


def _json(_: WrappedLogger, __: str, line: EventDict) -> str:
    return _encode(line).decode()


def _whole(_: WrappedLogger, level: str, said: EventDict) -> EventDict:
    """Return a line with what every line begins with: one step and not a chain, for each turn writes two."""
    line = {
        "time": f"{datetime.now(UTC).isoformat(timespec='microseconds')[:-6]}Z",
        "level": level,
        "event": said.pop("event"),
        "request_id": current_request.get(),
    }
    error = _error_of(said.pop("exc_info", None))
    if error is not None:
        said["exception"] = way_of(error)
    said.pop("stack_info", None)
    return {**line, **said}


def _first_line(_: WrappedLogger, __: str, line: EventDict) -> EventDict:
    # What follows is often the representation of an object, such as a failed task's exception.
    line["event"] = str(line["event"]).partition("\n")[0]
    line["logger"] = line["_record"].name
    if left_out := getattr(line["_record"], "left_out", 0):
        line["left_out"] = left_out
    return line


def _error_of(given: object) -> BaseException | None:
    error = given[1] if isinstance(given, tuple) else sys.exc_info()[1] if given is True else given
    return error if isinstance(error, BaseException) else None


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
