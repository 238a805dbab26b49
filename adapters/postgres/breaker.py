"""Says no at once while the database is known to be away, and lets one caller at a time find out."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from adapters.postgres.failures import Transient


class Away(Exception):
    """The database was away a moment ago, and somebody else is finding out whether it is back."""


class Breaker:
    """Opens when a call was given up because of the connection, closes with the first that is answered."""

    def __init__(self, clock: Callable[[], float], *, pause: float) -> None:
        """Take a monotonic clock, and how many seconds nobody asks once the database is known to be away."""
        self._clock = clock
        self._pause = pause
        self._next_probe: float | None = None

    @property
    def open(self) -> bool:
        """Whether the database is known to be away."""
        return self._next_probe is not None

    @contextmanager
    def passage(self, deadline: float) -> Iterator[None]:
        """Let one call through until its deadline.

        Raises:
            Away: not now.
        """
        if self._next_probe is not None:
            if self._clock() < self._next_probe:
                raise Away
            # This call probes; the others wait for what it finds, at the longest until its deadline.
            self._next_probe = deadline
        try:
            yield
        except Transient as error:
            self._next_probe = self._clock() + self._pause if error.stale else None
            raise
        except Exception:
            # A refusal is an answer too.
            self._next_probe = None
            raise
        except BaseException:
            # Whoever asked has left without knowing, so the next one may find out.
            if self._next_probe is not None:
                self._next_probe = self._clock()
            raise
        self._next_probe = None
