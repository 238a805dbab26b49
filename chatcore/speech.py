"""One attempt at a reply: listen to the model, keep what it says, renew the lease, obey a cancel.

The attempt runs in one task. Beside it a timer beats: each beat is one `checkpoint`, which keeps the text
gathered since the last one, renews the lease and brings back whether the turn is wished cancelled. The
task is cancelled only while it waits for the model, never inside a call of the store: a database driver
that is cancelled talks to the server first, and a silent server would hold everything up.
"""

import asyncio
from contextlib import aclosing
from dataclasses import dataclass

from chatcore.errors import ChatError, DatabaseUnavailable, Failure, LeaseLost, ModelFailed
from chatcore.live import LiveTurn
from chatcore.ports.language_model import Finished, LanguageModel, ModelRequest
from chatcore.ports.turn_store import Broken, Completed, Outcome, Stopped, TurnStore
from chatcore.prompt import estimated_tokens
from chatcore.turn import Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class Tempo:
    """How often a running turn is written down, in seconds.

    `gather`: how long pieces are gathered before they are stored together. `quiet`: how long a turn that
    says nothing goes without renewing its lease and asking whether it is cancelled. `notice`: how long a
    reply may wait for the database before those who listen are told. `persist`: how long it is tried then.
    """

    gather: float = 0.2
    quiet: float = 2.0
    notice: float = 4.0
    persist: float = 60.0


class Speech:
    """One attempt at a reply."""

    def __init__(self, live: LiveTurn, model: LanguageModel, store: TurnStore, tempo: Tempo) -> None:
        """Prepare; `outcome` does the work."""
        self._live = live
        self._model = model
        self._store = store
        self._tempo = tempo
        self._saved = 0
        self._gathering = False
        self._stopped = False
        self._abandoned = False
        self._lost = False
        self._task: asyncio.Task[object] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._beating: asyncio.Task[None] | None = None
        self.retry_after: float | None = None

    def stop(self) -> None:
        """Stop listening to the model; what was said is kept."""
        self._stopped = True
        if self._task is not None:
            self._task.cancel()

    def abandon(self) -> None:
        """Stop listening to the model because this process ends; another one may take the turn over."""
        self._abandoned = True
        if self._task is not None:
            self._task.cancel()

    async def outcome(self, request: ModelRequest) -> Outcome | None:
        """Return what came of the attempt; None where it was abandoned, all that was said being stored.

        Raises:
            LeaseLost: the turn is not ours any more.
        """
        self._beat_in(min(self._tempo.quiet, self._live.lease.seconds / 3))
        self._task = asyncio.current_task()
        try:
            outcome = await self._listen(request)
        except asyncio.CancelledError:
            if self._task is None or not (self._stopped or self._abandoned or self._lost):
                raise
            self._task.uncancel()
            outcome = Stopped(text=self._live.text(), usage=self._estimate(request))
        finally:
            self._task = None
            if self._timer is not None:
                self._timer.cancel()
        if self._beating is not None:
            await self._beating
        if self._lost:
            raise LeaseLost
        if self._abandoned and isinstance(outcome, Stopped):
            await self._checkpoint()
            return None
        return outcome

    async def _listen(self, request: ModelRequest) -> Outcome:
        try:
            if self._stopped or self._abandoned:
                return Stopped(text="", usage=Usage(input_tokens=0, output_tokens=0))
            async with aclosing(self._model.speak(request)) as pieces:
                async for piece in pieces:
                    if isinstance(piece, Finished):
                        return Completed(text=self._live.text(), usage=piece.usage, model=piece.model)
                    self._live.say(piece)
                    if request.streamed and not self._gathering:
                        self._gathering = True
                        self._beat_in(self._tempo.gather)
            return Broken(failure=Failure.of(ModelFailed()))
        except ChatError as error:
            self.retry_after = error.retry_after
            return Broken(failure=Failure.of(error))

    def _estimate(self, request: ModelRequest) -> Usage:
        asked = request.prompt.estimated_tokens()
        return Usage(input_tokens=asked, output_tokens=estimated_tokens(self._live.text()), estimated=True)

    def _beat_in(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        if self._timer is not None:
            if self._timer.when() <= loop.time() + seconds:
                return
            self._timer.cancel()
        self._timer = loop.call_later(seconds, self._beat)

    def _beat(self) -> None:
        self._timer = None
        self._gathering = False
        if self._beating is None:
            self._beating = asyncio.create_task(self._checkpoint())

    async def _checkpoint(self) -> None:
        offset = self._live.length
        try:
            wished = await self._store.checkpoint(self._live.lease, self._live.text(self._saved), offset)
            self._saved = offset
        except DatabaseUnavailable:
            wished = False
        except LeaseLost:
            self._lost = wished = True
        self._beating = None
        if self._task is None:
            return
        if wished:
            self._stopped = self._stopped or not self._lost
            self._task.cancel()
        else:
            self._beat_in(min(self._tempo.quiet, self._live.lease.seconds / 3))
