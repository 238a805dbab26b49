"""Lines are written as JSON or for a terminal, and none quotes what people said."""

import io
import json
import logging
from contextlib import suppress
from typing import Any

import pytest
import structlog

from entrypoints.logging import configure_logging, current_request, way_of
from entrypoints.settings import Environment, LogLevel, Settings

HUSH = "hush-hush"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


pytestmark = pytest.mark.usefixtures("logging_restored")


def written(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_each_line_has_time_level_event_and_request_id() -> None:
    stream = io.StringIO()
    configure_logging(Settings(), stream)
    current_request.set("r-1")
    structlog.get_logger().info("request", status=200)
    current_request.set(None)
    structlog.get_logger().warning("stopping")
    first, second = written(stream)
    assert list(first)[:4] == ["time", "level", "event", "request_id"]
    assert (first["level"], first["event"], first["request_id"], first["status"]) == (
        "info",
        "request",
        "r-1",
        200,
    )
    assert second["request_id"] is None


def test_less_important_events_are_left_out() -> None:
    stream = io.StringIO()
    configure_logging(Settings(log_level=LogLevel.WARNING), stream)
    structlog.get_logger().info("request")
    structlog.get_logger().error("broken")
    assert [line["event"] for line in written(stream)] == ["broken"]


def test_a_developers_terminal_gets_readable_lines() -> None:
    stream = Terminal()
    configure_logging(Settings(), stream)
    structlog.get_logger().info("serving")
    assert "serving" in stream.getvalue()
    assert not stream.getvalue().startswith("{")


def test_production_writes_json_even_to_a_terminal() -> None:
    stream = Terminal()
    configure_logging(Settings(env=Environment.PRODUCTION), stream)
    structlog.get_logger().info("serving")
    assert [line["event"] for line in written(stream)] == ["serving"]


def failed(error: Exception, cause: Exception | None = None) -> Exception:
    """Return an exception as it is once it was raised, with a cause that was."""
    try:
        raise error from (failed(cause) if cause is not None else None)
    except type(error) as raised:
        return raised


def test_an_exception_is_written_without_its_words() -> None:
    stream = io.StringIO()
    configure_logging(Settings(log_level=LogLevel.DEBUG), stream)
    structlog.get_logger().error("broken", exc_info=failed(ValueError(HUSH), KeyError(HUSH)))
    (line,) = written(stream)
    outer, cause = line["exception"]
    assert outer.startswith("builtins.ValueError > ")
    assert outer.endswith(" failed")
    assert cause.startswith("builtins.KeyError > ")
    assert HUSH not in stream.getvalue()


def test_other_libraries_are_heard_from_warnings_on_and_in_one_line() -> None:
    stream = io.StringIO()
    configure_logging(Settings(log_level=LogLevel.DEBUG), stream)
    library = logging.getLogger("library")
    library.info("a request with %s", HUSH)
    words = "a task failed\nfuture: <Task exception=ValueError('%s')>"
    library.error(words, HUSH, exc_info=failed(ValueError(HUSH)), stack_info=True)
    (line,) = written(stream)
    assert (line["event"], line["level"], line["logger"]) == ("a task failed", "error", "library")
    assert "ValueError" in line["exception"][0]
    assert HUSH not in stream.getvalue()


def test_an_exception_that_is_being_handled_is_written_too() -> None:
    stream = io.StringIO()
    configure_logging(Settings(), stream)
    with suppress(ValueError):
        try:
            int(HUSH)
        finally:
            structlog.get_logger().error("broken", exc_info=True)
    assert written(stream)[0]["exception"][0].startswith("builtins.ValueError > ")
    assert HUSH not in stream.getvalue()


def test_what_was_raised_while_something_else_was_handled_shows_both() -> None:
    def stumbling() -> None:
        try:
            dict[str, str]()[HUSH]
        except KeyError:
            int(HUSH)

    with pytest.raises(ValueError, match="invalid literal") as caught:
        stumbling()
    ways = way_of(caught.value)
    assert [way.split(" > ")[0] for way in ways] == ["builtins.ValueError", "builtins.KeyError"]
