"""Keeps a line that comes again and again from filling the log: it is written once in a while, with a count."""

import logging
import time
from collections.abc import Callable

_MOST = 1000


class OnceInAWhile(logging.Filter):
    """Lets a message of a library through once in so many seconds, and says how many were left out before it.

    What counts as the same is what the library wrote before anything was filled in: while a database is away,
    a pool says dozens of times a second that it cannot connect, each time with other addresses and reasons.
    A line with a trace always passes, for two traces under one message are two faults.
    """

    def __init__(self, seconds: float = 10.0, clock: Callable[[], float] = time.monotonic) -> None:
        """Take how long a message is then left out, and a clock that never goes back."""
        super().__init__()
        self._seconds = seconds
        self._clock = clock
        self._quiet_until: dict[tuple[str, int, str], float] = {}
        self._left_out: dict[tuple[str, int, str], int] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether to write the line; `left_out` of the record counts those before it that were not."""
        if record.exc_info:
            return True
        now = self._clock()
        message = record.name, record.levelno, str(record.msg).partition("\n")[0]
        if now < self._quiet_until.get(message, now):
            self._left_out[message] = self._left_out.get(message, 0) + 1
            return False
        if len(self._quiet_until) >= _MOST:
            # Messages that are never the same twice; what is forgotten is only that they were written.
            self._quiet_until.clear()
            self._left_out.clear()
        self._quiet_until[message] = now + self._seconds
        record.left_out = self._left_out.pop(message, 0)
        return True
