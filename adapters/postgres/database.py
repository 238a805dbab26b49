"""Where statements are sent to PostgreSQL: within a time budget, and repeated in this one place."""

import asyncio
import random
from collections.abc import Hashable, Mapping
from time import monotonic

from psycopg.conninfo import conninfo_to_dict

from adapters.postgres.breaker import Away, Breaker
from adapters.postgres.connections import Connections
from adapters.postgres.failures import Transient
from adapters.postgres.turnstile import Turnstile
from adapters.postgres.wire import Parameter, Row, Wire
from chatcore.errors import DatabaseUnavailable

_FIRST_PAUSE, _LONGEST_PAUSE = 0.02, 0.5
_ANSWER_WITHIN = 0.6
"""The part of a call's budget after which one connection is given up, so that another can be tried."""
_KEPT_FOR_ANSWER = 0.2
"""The part of a call's budget before whose end nothing is begun any more. Under too much load whoever gets a
connection has waited for long; were its answer cut off for that, the load would also be to connect again.
"""
_SAY_AGAIN = 2.0
_TRANSPORT: Mapping[str, str] = {
    "connect_timeout": "3",
    "keepalives_idle": "30",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "10000",
}
_SESSION_LIMITS = "-c statement_timeout=10s -c lock_timeout=2s"


class Database:
    """A PostgreSQL database, asked one autocommitted statement at a time; each must bear to be repeated.

    Built closed; `open` and `close` it. Without `prepare` nothing is left in a session, as a pooler in
    transaction mode demands. `budget` bounds each call in seconds, all waits and repetitions included.
    """

    def __init__(
        self,
        conninfo: str,
        *,
        max_size: int = 8,
        prepare: bool = True,
        budget: float = 5.0,
        max_idle: float = 600.0,
        application_name: str = "chatcore",
    ) -> None:
        """Take where the database is, how many connections it may be asked on, and the rules above.

        Connections that nobody has needed for `max_idle` seconds are closed, but for one.
        """
        self._prepare = prepare
        self._budget = budget
        self._kept = budget * _KEPT_FOR_ANSWER
        self._connections = Connections(
            _options(conninfo, application_name, direct=prepare),
            max_size=max_size,
            max_idle=max_idle,
            name=application_name,
        )
        self._turnstile = Turnstile(max_size)
        self._breaker = Breaker(monotonic, pause=1.0)
        self._answered_at = float("-inf")

    async def open(self) -> None:
        """Begin to connect, without waiting for it: a database that is away does not keep us from starting."""
        self._loop = asyncio.get_running_loop()
        await self._connections.open()

    async def close(self) -> None:
        """Close all connections, after which nothing can be asked any more."""
        await self._connections.close()

    @property
    def away(self) -> bool:
        """Whether the database is known to be away, so that calls are refused at once."""
        return self._breaker.open

    def occupancy(self) -> Mapping[str, int]:
        """Return how many connections there are, how many of them are idle, and how many calls wait for one;
        apart from those, how many wait for others of their owner while connections are free.
        """
        figures, waiting = self._connections.occupancy(), self._turnstile.waiting
        if self._turnstile.free:
            return {**figures, "held_back": waiting}
        return {**figures, "waiting": figures["waiting"] + waiting, "held_back": 0}

    @property
    def waits(self) -> tuple[int, float]:
        """How many times calls waited for their turn or a connection so far, and how many seconds in all."""
        times, seconds = self._connections.waits
        return times + self._turnstile.waits, seconds + self._turnstile.waited

    async def call_for(self, owner: str, statement: bytes, *parameters: Parameter) -> list[Row]:
        """Return the rows of a statement whose `$1` is an owner and whose parameters are `$2` and so on.

        Of the connections one owner's calls have a share at a time. Else, and in what it raises, as `call`.
        """
        return await self._call(owner, statement, (owner, *parameters))

    async def call(self, statement: bytes, *parameters: Parameter) -> list[Row]:
        """Return the rows of a statement with parameters `$1`, `$2` and so on, which is of no owner.

        The caller may be cancelled at any time; the statement is then carried out all the same.

        Raises:
            DatabaseUnavailable: it could not be carried out within the budget, or its outcome is unknown.
            Duplicate: a unique key is taken.
            StatementFault: it can never succeed.
        """
        return await self._call(object(), statement, parameters)

    async def _call(self, whose: Hashable, statement: bytes, parameters: tuple[Parameter, ...]) -> list[Row]:
        deadline = monotonic() + self._budget
        try:
            with self._breaker.passage(deadline):
                return await self._repeated(whose, statement, parameters, deadline)
        except (Away, Transient) as error:
            raise DatabaseUnavailable(retry_after=_SAY_AGAIN) from error

    async def _repeated(
        self, whose: Hashable, statement: bytes, parameters: tuple[Parameter, ...], deadline: float
    ) -> list[Row]:
        longest = _FIRST_PAUSE
        while True:
            try:
                return await self._once(whose, statement, parameters, deadline)
            except Transient as error:
                # Full jitter, so that those who failed together do not come back together.
                pause = random.uniform(0, longest)  # noqa: S311 - chance, no secret
                if monotonic() + pause >= deadline - self._kept:
                    # A row that is locked keeps us waiting as a silent server does. What tells them apart
                    # is whether anybody was answered meanwhile.
                    silent = self._answered_at < deadline - self._budget
                    raise Transient(str(error), stale=silent) from error
            await asyncio.sleep(pause)
            longest = min(2 * longest, _LONGEST_PAUSE)

    async def _once(
        self, whose: Hashable, statement: bytes, parameters: tuple[Parameter, ...], deadline: float
    ) -> list[Row]:
        if not self._turnstile.passed(whose):
            await self._turnstile.wait(whose, deadline - self._kept - monotonic())
        try:
            wire = await self._connections.take(deadline - self._kept - monotonic())
        except BaseException:
            self._turnstile.leave(whose)
            raise
        patience = min(self._budget * _ANSWER_WITHIN, deadline - monotonic())
        # A silent server keeps even a cancellation waiting: only closing the socket under it helps.
        limit = self._loop.call_later(patience, wire.cut, "no answer in time")
        try:
            return await wire.ask(statement, parameters, prepare=self._prepare)
        except Transient as error:
            if error.stale:
                wire.cut(str(error))
            raise
        finally:
            if wire.busy:
                # Our caller was cancelled; the answer is awaited without it.
                wire.when_idle(lambda: self._give_back_later(wire, limit, whose))
            else:
                limit.cancel()
                if not wire.closed:
                    self._answered_at = monotonic()
                try:
                    await self._connections.give_back(wire)
                finally:
                    self._turnstile.leave(whose)

    def _give_back_later(self, wire: Wire, limit: asyncio.TimerHandle, whose: Hashable) -> None:
        limit.cancel()
        self._connections.give_back_later(wire)
        self._turnstile.leave(whose)


def _options(conninfo: str, application_name: str, *, direct: bool) -> dict[str, object]:
    """Return how to connect: what the conninfo says, and our defaults where it says nothing."""
    said = conninfo_to_dict(conninfo)
    if direct:
        # A pooler knows no options; there the functions' own lock_timeout and the budget must do.
        said["options"] = f"{_SESSION_LIMITS} {said.get('options') or ''}".strip()
    defaults = {"application_name": application_name, "client_encoding": "UTF8", **_TRANSPORT}
    return {**defaults, **said, "autocommit": True, "prepare_threshold": None}
