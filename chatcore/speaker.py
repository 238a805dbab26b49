"""Runs turns to their end in tasks of their own, whoever has stopped listening, and knows which run here."""

import asyncio
from collections import Counter
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from time import monotonic
from uuid import UUID

from chatcore.errors import DatabaseUnavailable, Failure, LeaseLost, ModelFailed, Overloaded, TurnNotFound
from chatcore.events import Failed, ending_of
from chatcore.live import LiveTurn
from chatcore.ports.language_model import LanguageModel, ModelCall, ModelRequest
from chatcore.ports.turn_store import Broken, Lease, Outcome, TurnStore
from chatcore.prompt import Prompt
from chatcore.speech import Speech, Tempo
from chatcore.turn import Turn

LONGEST_PAUSE = 2.0
_KEPT = 10
"""Of so many places for turns one is kept for owners who have not as many as are kept."""


@dataclass(slots=True, kw_only=True)
class TurnReport:
    """How one attempt went, for logs and figures; times in seconds since it was begun.

    `turn` is None where the attempt was lost to somebody else or could not be recorded. `bug` is an error
    that nobody foresaw. `opening` is how long the statement before it took, which finds the conversation,
    records the question and loads the history.
    """

    lease: Lease
    streamed: bool
    began_at: float
    opening: float = 0.0
    turn: Turn | None = None
    calls: list[ModelCall] = field(default_factory=list)
    first_piece: float | None = None
    spoken: float = 0.0
    recorded: float = 0.0
    bug: Exception | None = None


Observe = Callable[[TurnReport], None]


class Speaker:
    """The turns that run in this process."""

    def __init__(
        self, *, store: TurnStore, model: LanguageModel, observe: Observe, tempo: Tempo, capacity: int
    ) -> None:
        """Take where turns are recorded, who speaks, who is told of each attempt, and how many may run."""
        self._store = store
        self._model = model
        self._observe = observe
        self._tempo = tempo
        self._capacity = capacity
        self._running: dict[UUID, tuple[LiveTurn, Speech]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._asked = 0
        self._held = Counter[str]()
        self._kept = capacity // _KEPT
        self._closing = False
        self._handing_over = False

    @contextmanager
    def room(self, owner: str) -> Generator[None, None, None]:
        """Keep a place for another turn, from before it is recorded until it runs, so that a rush finds no gap.

        The last places are for owners who have few.

        Raises:
            Overloaded: there is none, or none for this owner.
        """
        left = self._capacity - len(self._tasks) - self._asked
        if self._closing or left <= 0 or (left <= self._kept <= self._held[owner]):
            raise Overloaded(retry_after=1)
        self._asked += 1
        self._held[owner] += 1
        try:
            yield
        finally:
            self._asked -= 1
            self._let_go(owner)

    @property
    def running(self) -> int:
        """How many turns run here."""
        return len(self._tasks)

    def start(self, lease: Lease, prompt: Prompt, *, streamed: bool, opening: float = 0.0) -> LiveTurn:
        """Begin to answer a turn that is ours, and return what can be listened to.

        `opening` is how many seconds its beginning took in the store, for the report.
        """
        live = LiveTurn(lease)
        speech = Speech(live, self._model, self._store, self._tempo)
        self._running[lease.turn_id] = live, speech
        report = TurnReport(lease=lease, streamed=streamed, began_at=monotonic(), opening=opening)
        task = asyncio.create_task(self._run(live, speech, prompt, report))
        self._tasks.add(task)
        self._held[lease.owner] += 1
        task.add_done_callback(partial(self._ended, lease.owner))
        if self._handing_over:
            speech.abandon()
        return live

    def find(self, owner: str, turn_id: UUID) -> LiveTurn | None:
        """Return the turn if it runs here."""
        live, _ = self._running.get(turn_id, (None, None))
        return live if live is not None and live.lease.owner == owner else None

    def stop(self, owner: str, turn_id: UUID) -> None:
        """Stop a turn that runs here without waiting for its next beat; of others this knows nothing."""
        if self.find(owner, turn_id) is not None:
            self._running[turn_id][1].stop()

    def stop_all(self, owner: str) -> None:
        """Stop every turn of an owner that runs here."""
        for live, speech in self._running.values():
            if live.lease.owner == owner:
                speech.stop()

    async def drain(self, seconds: float) -> None:
        """Take no more turns, let those that run end, and after so many seconds hand the others over.

        Called again meanwhile with fewer seconds, it is over sooner; called again afterwards, it waits for
        nobody a second time.
        """
        self._closing = True
        await self._settled(0 if self._handing_over else seconds)
        self._handing_over = True
        for _, speech in self._running.values():
            speech.abandon()
        await self._settled(self._tempo.notice)

    def _ended(self, owner: str, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        self._let_go(owner)

    def _let_go(self, owner: str) -> None:
        self._held[owner] -= 1
        if not self._held[owner]:
            del self._held[owner]

    async def _settled(self, seconds: float) -> None:
        """Wait until no turn runs, also none that was being recorded when the closing began."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while self._tasks and (left := until - loop.time()) > 0:
            await asyncio.wait(self._tasks, timeout=left)

    async def _run(self, live: LiveTurn, speech: Speech, prompt: Prompt, report: TurnReport) -> None:
        request = ModelRequest(prompt=prompt, streamed=report.streamed, meter=report.calls.append)
        try:
            outcome = await self._speak(speech, request, report)
            report.spoken = monotonic() - report.began_at
            report.turn = await self._record(live, speech, outcome, report)
        except (LeaseLost, TurnNotFound):
            live.end(None)
            await self._bill(live.lease, report.calls)
        except Exception as bug:  # noqa: BLE001 - nobody waits for this task: the report is where it is told
            report.bug = bug
        finally:
            report.recorded = monotonic() - report.began_at
            report.first_piece = None if live.spoke_at is None else live.spoke_at - report.began_at
            self._forget(live)
            live.end(None)
            self._observe(report)

    async def _speak(self, speech: Speech, request: ModelRequest, report: TurnReport) -> Outcome | None:
        try:
            return await speech.outcome(request)
        except LeaseLost:
            raise
        except Exception as bug:  # noqa: BLE001 - whatever a model adapter forgot, the turn must end
            report.bug = bug
            return Broken(failure=Failure.of(ModelFailed()))

    async def _record(
        self, live: LiveTurn, speech: Speech, outcome: Outcome | None, report: TurnReport
    ) -> Turn | None:
        """Write the outcome down, trying again while the database is away, and tell those who listen."""
        loop = asyncio.get_running_loop()
        began, pause = loop.time(), 0.05
        while True:
            try:
                return await self._finish(live, speech, outcome, report)
            except DatabaseUnavailable as error:
                waited = loop.time() - began
                if waited >= self._tempo.notice or self._closing:
                    self._tell_unrecorded(live, error)
                if waited >= self._tempo.persist or self._closing:
                    return None
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE)

    async def _finish(
        self, live: LiveTurn, speech: Speech, outcome: Outcome | None, report: TurnReport
    ) -> Turn | None:
        if outcome is None:
            await self._store.release(live.lease, report.calls)
            turn = await self._store.look(live.lease.owner, live.lease.turn_id)
        else:
            turn = await self._store.finish(live.lease, outcome, report.calls)
        ending = ending_of(turn)
        if isinstance(ending, Failed):
            ending = replace(ending, retry_after=speech.retry_after)
        live.end(ending)
        return turn

    async def _bill(self, lease: Lease, calls: Sequence[ModelCall]) -> None:
        """Put what a lost attempt has cost into the ledger; it is not tried for ever, nobody waits for it."""
        with suppress(DatabaseUnavailable):
            await self._store.bill(lease, calls)

    def _tell_unrecorded(self, live: LiveTurn, error: DatabaseUnavailable) -> None:
        """End the listening, not the trying: a repeated request finds the reply once it is recorded."""
        self._forget(live)
        live.end(Failed(failure=Failure.of(error), attempt=live.lease.attempt, retry_after=error.retry_after))

    def _forget(self, live: LiveTurn) -> None:
        running, _ = self._running.get(live.lease.turn_id, (None, None))
        if running is live:
            del self._running[live.lease.turn_id]
