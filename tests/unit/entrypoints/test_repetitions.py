"""A library that repeats itself does not fill the log, and nothing else is left out."""

import io
import json
import logging
from dataclasses import dataclass
from typing import Any

import pytest

from entrypoints.logging import configure_logging
from entrypoints.repetitions import OnceInAWhile
from entrypoints.settings import Settings

AWAY = "error connecting in %r: %s"


@dataclass(slots=True)
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


class Heard:
    """What passes, each line with how many were left out before it."""

    def __init__(self) -> None:
        self.clock = Clock()
        self._filter = OnceInAWhile(10, self.clock)
        self.lines: list[tuple[str, int]] = []

    def say(self, message: str, *arguments: object, name: str = "pool", level: int = logging.WARNING) -> None:
        record = logging.LogRecord(name, level, __file__, 1, message, arguments, None)
        if self._filter.filter(record):
            self.lines.append((record.getMessage(), getattr(record, "left_out", 0)))


def test_a_message_passes_once_in_a_while_and_says_how_many_did_not() -> None:
    heard = Heard()
    for tick in range(430):
        heard.clock.now = tick / 43
        heard.say(AWAY, "pool", f"refused on port {tick}")
    assert heard.lines == [("error connecting in 'pool': refused on port 0", 0)]
    heard.clock.now = 10
    heard.say(AWAY, "pool", "refused")
    heard.clock.now = 25
    heard.say(AWAY, "pool", "refused")
    assert [left_out for _, left_out in heard.lines] == [0, 429, 0]


def test_other_messages_and_other_speakers_are_not_left_out_with_it() -> None:
    heard = Heard()
    heard.say(AWAY, "pool", "refused")
    heard.say("discarding a connection")
    heard.say(AWAY, "pool", "refused", name="another")
    heard.say(AWAY, "pool", "refused", level=logging.ERROR)
    assert len(heard.lines) == 4


def test_messages_without_end_take_no_memory_without_end() -> None:
    heard = Heard()
    for number in range(10_000):
        heard.say(f"never the same {number}")
    assert len(heard.lines) == 10_000
    assert len(heard._filter._quiet_until) <= 1000


def written(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


@pytest.mark.usefixtures("logging_restored")
def test_the_log_has_one_line_of_a_pool_that_cannot_connect() -> None:
    stream = io.StringIO()
    configure_logging(Settings(), stream)
    (bounded,) = (one for one in logging.root.handlers[0].filters if isinstance(one, OnceInAWhile))
    bounded._clock = clock = Clock()
    for clock.now in (1.0, 1.1, 1.2, 12.0):
        logging.getLogger("psycopg.pool").warning(AWAY, "chatcore", "refused")
    first, second = written(stream)
    assert "left_out" not in first
    assert second["left_out"] == 2


@pytest.mark.usefixtures("logging_restored")
def test_every_trace_is_written() -> None:
    stream = io.StringIO()
    configure_logging(Settings(), stream)
    for error in (ValueError(), KeyError()):
        logging.getLogger("uvicorn.error").error("Exception in ASGI application", exc_info=error)
    assert len(written(stream)) == 2
