"""One connection, driven without cursors: a statement out, its rows back, one at a time.

The answer is a future that the event loop's reader fills. Whoever awaits it may be cancelled at any time:
the exchange goes on without them, so no cancellation ever enters libpq. psycopg's own cursors do not allow
that, and take about three times as much processor time for statements as small as ours.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg
from psycopg import adapt, pq

from adapters.postgres.failures import StatementFault, Transient, failure_of

Parameter = str | bytes | UUID | bool | int | float | None
Row = tuple[object, ...]

_TEXT, _BINARY = pq.Format.TEXT, pq.Format.BINARY
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_SENT_BINARY = frozenset({bytes, UUID})
_DONE = frozenset({pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK})


class _UtcLoader(adapt.Loader):
    """Loads instants in UTC, whatever the session's time zone is."""

    format = _BINARY

    def load(self, data: adapt.Buffer) -> datetime:
        """Return the instant; the wire has microseconds since 2000 (PostgreSQL's timestamptz_send)."""
        return _EPOCH + timedelta(microseconds=int.from_bytes(data, "big", signed=True))


class Wire(psycopg.AsyncConnection[Row]):
    """A connection in autocommit that is asked without cursors; do not use both on one connection."""

    def __init__(self, pgconn: pq.abc.PGconn) -> None:
        """Take what psycopg has connected."""
        super().__init__(pgconn)
        pgconn.nonblocking = 1
        self.adapters.register_loader("timestamptz", _UtcLoader)
        self._transformer = adapt.Transformer(self)
        self._loop = asyncio.get_running_loop()
        self._names: dict[bytes, bytes] = {}
        self._named = 0
        self._answer: asyncio.Future[pq.abc.PGresult] | None = None
        self._result: pq.abc.PGresult | None = None
        self._watched = -1
        self._when_idle: Callable[[], None] | None = None

    async def ask(self, statement: bytes, parameters: Sequence[Parameter], *, prepare: bool) -> list[Row]:
        """Return the rows of a statement with parameters `$1`, `$2` …; prepared once where that is wished.

        Raises:
            Transient: it may succeed when it is repeated.
            Duplicate: a unique key is taken.
            StatementFault: it can never succeed.
        """
        values = [_encoded(parameter) for parameter in parameters]
        formats = [_BINARY if type(parameter) in _SENT_BINARY else _TEXT for parameter in parameters]
        if prepare:
            name = self._names.get(statement) or await self._prepare(statement)
            result = await self._exchange(self.pgconn.send_query_prepared, name, values, formats, _BINARY)
        else:
            result = await self._exchange(
                self.pgconn.send_query_params, statement, values, None, formats, _BINARY
            )
        if not result.ntuples:
            return []
        self._transformer.set_pgresult(result, set_loaders=True, format=_BINARY)
        return self._transformer.load_rows(0, result.ntuples, tuple)

    @property
    def busy(self) -> bool:
        """Whether an answer is still under way, perhaps with nobody left to wait for it."""
        return self._answer is not None

    def when_idle(self, callback: Callable[[], None]) -> None:
        """Have the callback called when the answer that is under way is in, or the connection is lost."""
        self._when_idle = callback

    def cut(self, reason: str) -> None:
        """Close the socket at once, whatever the server does; who waits for an answer gets Transient."""
        self._unwatch()
        self.pgconn.finish()
        self._settle(Transient(reason, stale=True))

    async def close(self) -> None:
        """Close the connection."""
        self._unwatch()
        await super().close()

    async def _prepare(self, statement: bytes) -> bytes:
        # A name is never used twice, so that it does not matter whether an abandoned attempt arrived.
        self._named += 1
        name = b"chatcore_%d" % self._named
        await self._exchange(self.pgconn.send_prepare, name, statement)
        self._names[statement] = name
        return name

    async def _exchange(self, send: Callable[..., None], *arguments: object) -> pq.abc.PGresult:
        answer: asyncio.Future[pq.abc.PGresult] = self._loop.create_future()
        self._answer = answer
        try:
            send(*arguments)
            self._watch()
            self._flush()
        except psycopg.OperationalError as error:
            self.cut(str(error))
        result = await answer
        if result.status not in _DONE:
            raise failure_of(result)
        return result

    def _watch(self) -> None:
        if self._watched < 0:
            self._watched = self.pgconn.socket
            self._loop.add_reader(self._watched, self._readable)

    def _unwatch(self) -> None:
        if self._watched >= 0:
            self._loop.remove_reader(self._watched)
            self._loop.remove_writer(self._watched)
            self._watched = -1

    def _flush(self) -> None:
        if self.pgconn.flush():
            self._loop.add_writer(self._watched, self._writable)

    def _writable(self) -> None:
        self._loop.remove_writer(self._watched)
        try:
            self._flush()
        except psycopg.OperationalError as error:
            self.cut(str(error))

    def _readable(self) -> None:
        # The reader stays while the connection is idle, so that a server that leaves is noticed at once.
        try:
            self.pgconn.consume_input()
            while not self.pgconn.is_busy():
                result = self.pgconn.get_result()
                if result is None:
                    break
                self._result = result
            else:
                return
        except psycopg.OperationalError as error:
            self.cut(str(error))
            return
        if self.closed:
            self._unwatch()
        if self._result is not None:
            result, self._result = self._result, None
            self._settle(result)

    def _settle(self, outcome: pq.abc.PGresult | Transient) -> None:
        answer, self._answer = self._answer, None
        if answer is not None and not answer.done():
            if isinstance(outcome, Transient):
                answer.set_exception(outcome)
            else:
                answer.set_result(outcome)
        callback, self._when_idle = self._when_idle, None
        if callback is not None:
            callback()


def _encoded(parameter: Parameter) -> bytes | None:
    match parameter:
        case str():
            if "\0" in parameter:
                # libpq would take it for the end, and `alice\0…` for alice.
                raise StatementFault("a text holds NUL")
            return parameter.encode()
        case UUID():
            return parameter.bytes
        case None | bytes():
            return parameter
        case bool():
            return b"t" if parameter else b"f"
        case int() | float():
            return repr(parameter).encode()
