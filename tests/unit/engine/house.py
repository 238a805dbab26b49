"""A whole engine in memory, with a scripted model, for tests of what turns do."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from adapters.memory.conversation_store import MemoryConversationStore
from adapters.memory.state import MemoryState
from adapters.memory.turn_store import MemoryTurnStore
from adapters.scripted import Reply, ScriptedLanguageModel
from chatcore.chat import Asked, Chat, Patience, Question
from chatcore.errors import ChatError, DatabaseUnavailable
from chatcore.events import Delta, Ending, Position, TurnEvent
from chatcore.listen import Listener, Pace
from chatcore.ports.language_model import ModelCall
from chatcore.ports.turn_store import Claim, KeyTaken, Lease, Occupied, Opened, Opening, Outcome, Progress
from chatcore.prompt import ASSISTANT
from chatcore.speaker import Speaker, TurnReport
from chatcore.speech import Tempo
from chatcore.turn import Turn, fingerprint

OWNER = "ada"


class Clock:
    """Real time, which can be moved on."""

    def __init__(self) -> None:
        self._ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    def advance(self, seconds: float) -> None:
        self._ahead += timedelta(seconds=seconds)


class ShakyStore(MemoryTurnStore):
    """A memory store whose named methods are unavailable so many times."""

    def __init__(self, state: MemoryState) -> None:
        super().__init__(state)
        self.outages: dict[str, int] = {}
        self.slow_begin = 0.0
        self.calls: list[str] = []

    def _shake(self, method: str) -> None:
        self.calls.append(method)
        if self.outages.get(method, 0) > 0:
            self.outages[method] -= 1
            raise DatabaseUnavailable(retry_after=1)

    async def begin(self, opening: Opening) -> Opened | KeyTaken | Occupied:
        self._shake("begin")
        if self.slow_begin:
            await asyncio.sleep(self.slow_begin)
        return await super().begin(opening)

    async def take_over(
        self, owner: str, turn_id: UUID, claim: Claim, window: int
    ) -> Opened | KeyTaken | Occupied:
        self._shake("take_over")
        return await super().take_over(owner, turn_id, claim, window)

    async def checkpoint(self, lease: Lease, text: str, offset: int) -> bool:
        self._shake("checkpoint")
        return await super().checkpoint(lease, text, offset)

    async def finish(self, lease: Lease, outcome: Outcome, calls: Sequence[ModelCall]) -> Turn:
        self._shake("finish")
        return await super().finish(lease, outcome, calls)

    async def follow(self, owner: str, turn_id: UUID, position: Position) -> Progress:
        self._shake("follow")
        return await super().follow(owner, turn_id, position)


@dataclass
class House:
    """The engine, and a second replica on the same store where a test wants one."""

    model: ScriptedLanguageModel
    tempo: Tempo
    clock: Clock = field(default_factory=Clock)
    capacity: int = 100
    state: MemoryState | None = None
    reports: list[TurnReport] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.state = self.state or MemoryState(self.clock)
        self.store = ShakyStore(self.state)
        self.conversations = MemoryConversationStore(self.state)
        self.speaker = Speaker(
            store=self.store,
            model=self.model,
            observe=self.reports.append,
            tempo=self.tempo,
            capacity=self.capacity,
        )
        self.chat = Chat(
            store=self.store,
            speaker=self.speaker,
            new_id=uuid4,
            patience=Patience(lease=10, queue=0.5, look=0.005),
        )
        self.listener = Listener(
            store=self.store, speaker=self.speaker, pace=Pace(look=0.005, silence=0.05, outage=0.1)
        )

    async def ask(self, text: str | None = "Why?", *, owner: str = OWNER, **parts: object) -> Asked:
        key = parts.get("key")
        if isinstance(key, str):
            parts.setdefault("fingerprint", fingerprint(text=text))
        return await self.chat.ask(owner, ASSISTANT, Question(text=text, **parts))  # type: ignore[arg-type]

    async def ending(self, asked: Asked, *, owner: str = OWNER) -> Ending:
        return await self.listener.ending(owner, asked.turn_id, asked.live)

    async def heard(self, asked: Asked, position: Position | None = None) -> list[TurnEvent]:
        return [event async for event in self.listener.events(OWNER, asked.turn_id, position, asked.live)]


def house(
    *replies: str | ChatError | Reply,
    tempo: Tempo | None = None,
    capacity: int = 100,
    state: MemoryState | None = None,
    gap: float = 0,
) -> House:
    """Return an engine whose model gives these replies, in a tempo that tests can wait for."""
    quick = Tempo(gather=0.01, quiet=0.02, notice=0.1, persist=0.4)
    model = ScriptedLanguageModel(replies or ("Because it is so.",), gap=gap)
    return House(model=model, tempo=tempo or quick, capacity=capacity, state=state)


def text_of(events: Sequence[TurnEvent]) -> str:
    """Return what a listener has after these events."""
    return "".join(event.text for event in events if isinstance(event, Delta))


async def until(condition: object) -> None:
    """Wait until a callable is true, two seconds at most."""
    if not callable(condition):
        raise TypeError("a condition is asked")
    for _ in range(400):
        if condition():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("it never came true")
