"""Listen to a turn: in this process while it runs here, else by reading what the store has of it."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from uuid import UUID

from chatcore.errors import DatabaseUnavailable, Failure
from chatcore.events import (
    Accepted,
    Cancelled,
    Delta,
    Done,
    Ending,
    Failed,
    Position,
    Reset,
    Silence,
    TurnEvent,
    ending_of,
)
from chatcore.live import LiveTurn
from chatcore.ports.turn_store import Progress, TurnStore
from chatcore.speaker import Speaker
from chatcore.turn import Turn


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Times in seconds: between two looks into the store, of silence before it is mentioned, and how long
    the database may be away before a listener is told.
    """

    look: float = 0.15
    silence: float = 10.0
    outage: float = 15.0


class Listener:
    """Tells what happens in turns."""

    def __init__(self, *, store: TurnStore, speaker: Speaker, pace: Pace) -> None:
        """Take where turns are recorded and who runs those of this process."""
        self._store = store
        self._speaker = speaker
        self._pace = pace

    async def ending(self, owner: str, turn_id: UUID, live: LiveTurn | None = None) -> Ending:
        """Wait until the turn has ended and return how.

        Raises:
            TurnNotFound: the owner has no such turn (any more).
        """
        live = live or self._speaker.find(owner, turn_id)
        if live is not None and (ending := await live.ended()) is not None:
            return ending
        async with aclosing(self._followed(owner, turn_id, Position(attempt=0, offset=0))) as events:
            while not isinstance(event := await anext(events), Ending):
                pass
        return event

    async def events(
        self, owner: str, turn_id: UUID, position: Position | None, live: LiveTurn | None = None
    ) -> AsyncGenerator[TurnEvent, None]:
        """Yield what happens after `position`, on whichever replica the turn runs; from its start if None.

        `live` is the turn as `Chat.ask` returned it, where it did.

        Raises:
            TurnNotFound: the owner has no such turn (any more).
        """
        live = live or self._speaker.find(owner, turn_id)
        if position is None:
            turn = live.lease if live is not None else await self._store.look(owner, turn_id)
            yield Accepted(turn_id=turn_id, conversation_id=turn.conversation_id, attempt=turn.attempt)
            position = Position(attempt=turn.attempt, offset=0)
        if live is not None:
            # All that anybody has of this attempt was said here: whoever has more has it from nowhere.
            if position.attempt != live.lease.attempt or position.offset > live.length:
                yield Reset(attempt=live.lease.attempt)
                position = Position(attempt=live.lease.attempt, offset=0)
            async with aclosing(live.events(position.offset, self._pace.silence)) as said:
                async for event in said:
                    yield event
                    if isinstance(event, Delta):
                        position = event.position
                    elif isinstance(event, Ending):
                        return
        async with aclosing(self._followed(owner, turn_id, position)) as followed:
            async for news in followed:
                yield news

    async def _followed(self, owner: str, turn_id: UUID, position: Position) -> AsyncGenerator[TurnEvent, None]:
        loop = asyncio.get_running_loop()
        spoke = answered = loop.time()
        while True:
            try:
                progress = await self._store.follow(owner, turn_id, position)
                answered = loop.time()
            except DatabaseUnavailable as error:
                if loop.time() - answered > self._pace.outage:
                    yield Failed(failure=Failure.of(error), attempt=position.attempt, retry_after=1)
                    return
                progress = None
            for event in _news(progress, position):
                yield event
                spoke = loop.time()
                if isinstance(event, Ending):
                    return
                position = (
                    event.position if isinstance(event, Delta) else Position(attempt=event.attempt, offset=0)
                )
            if loop.time() - spoke > self._pace.silence:
                yield Silence()
                spoke = loop.time()
            await asyncio.sleep(self._pace.look)


def _news(progress: Progress | None, position: Position) -> list[Delta | Reset | Ending]:
    """Return the events that lead from a position to what the store has."""
    if progress is None:
        return []
    events: list[Delta | Reset | Ending] = []
    turn = progress.turn
    if turn.attempt != position.attempt:
        if position.attempt:
            events.append(Reset(attempt=turn.attempt))
        position = Position(attempt=turn.attempt, offset=0)
    ending = ending_of(turn)
    if _beyond(turn, ending, position):
        events.append(Reset(attempt=turn.attempt))
        position = Position(attempt=turn.attempt, offset=0)
    text = progress.text if ending is None or turn.reply is None else turn.reply.content[position.offset :]
    if text:
        reached = Position(attempt=turn.attempt, offset=position.offset + len(text))
        events.append(Delta(text=text, position=reached))
    if ending is not None:
        events.append(ending)
    return events


def _beyond(turn: Turn, ending: Ending | None, position: Position) -> bool:
    """Return whether a listener claims more of a turn than was said in it, and so cannot have what was.

    While a turn runs elsewhere a listener may be ahead of the store, which is told a moment later; and ahead of what
    is left of one that was interrupted. So this is judged where the whole reply is known.
    """
    if turn.reply is None or not isinstance(ending, Done | Cancelled):
        return False
    return position.offset > len(turn.reply.content)
