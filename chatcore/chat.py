"""Ask a question: the one way in which a turn begins, whichever door it came through."""

import asyncio
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from time import monotonic
from uuid import UUID

from chatcore.conversation import LONGEST_MESSAGE, title_from
from chatcore.errors import AttemptsExhausted, ConversationBusy, Failure, IdempotencyKeyReused, InvalidRequest
from chatcore.fair_use import UNBOUNDED, Allowance, FairUse
from chatcore.live import LiveTurn
from chatcore.ports.turn_store import Claim, KeyTaken, Occupied, Opened, Opening, TurnStore
from chatcore.prompt import LONGEST_SELECTION, Persona, build_prompt, estimated_tokens
from chatcore.speaker import Speaker
from chatcore.text import checked
from chatcore.turn import Decision, Turn, decide

LONGEST_KEY = 255


class OnBusy(StrEnum):
    """What to do when the conversation is busy with another turn."""

    REFUSE = "refuse"
    INTERRUPT = "interrupt"
    ENQUEUE = "enqueue"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What somebody asks.

    `text` may be None where `replaces` names the turn whose question is to be answered again. `key` is the
    idempotency key; `fingerprint` then tells this request from another one under the same key.
    """

    text: str | None
    conversation_id: UUID | None = None
    selected_text: str | None = None
    replaces: UUID | None = None
    key: str | None = None
    fingerprint: bytes | None = None
    on_busy: OnBusy = OnBusy.REFUSE
    streamed: bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot be asked."""
        if self.text is not None:
            checked("message", self.text, longest=LONGEST_MESSAGE)
        elif self.replaces is None:
            raise InvalidRequest.of("message", "is required")
        if self.selected_text is not None:
            checked("selected_text", self.selected_text, longest=LONGEST_SELECTION)
        if self.replaces is not None and self.conversation_id is None:
            raise InvalidRequest.of("conversation_id", "is required to replace a turn of it")
        if self.key is not None:
            _checked_key(self.key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """An accepted question.

    `live` is there where this very process now answers it. `replayed` says that the turn is an earlier one.
    `allowance` is what is left where a rate bounds its owner and the question counted.
    """

    turn_id: UUID
    conversation_id: UUID
    attempt: int
    live: LiveTurn | None = None
    replayed: bool = False
    allowance: Allowance | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Times in seconds: a lease's length, the longest wait in a queue, and how often its head is looked for.

    `waiters` is how many questions of one owner may wait in this process.
    """

    lease: float = 30.0
    queue: float = 60.0
    look: float = 0.1
    waiters: int = 4


class Chat:
    """Takes questions, and has them answered."""

    def __init__(
        self, *, store: TurnStore, speaker: Speaker, new_id: Callable[[], UUID], patience: Patience
    ) -> None:
        """Take where turns are recorded, who answers them, and a maker of time-ordered ids (UUIDv7)."""
        self._store = store
        self._speaker = speaker
        self._new_id = new_id
        self._patience = patience
        self._waiting = Counter[str]()

    async def ask(
        self,
        owner: str,
        persona: Persona,
        question: Question,
        *,
        opens: UUID | None = None,
        fair_use: FairUse = UNBOUNDED,
    ) -> Asked:
        """Record a question, begin to answer it, and return; or find that it was asked before.

        `opens` is the id of the conversation to be made where the question names none. `fair_use` bounds
        what is recorded, not what is found.

        Raises:
            ConversationNotFound: the owner has no such conversation.
            TurnNotFound: the conversation has no turn to replace of that id.
            ConversationBusy: another turn is live, and stayed so for as long as we would wait.
            IdempotencyKeyReused: the key belongs to another request.
            RateLimited: too much was asked by this owner, or from this address.
            TokenBudgetExhausted: what the owner may spend today is spent.
            Overloaded: this process has no room for another turn.
            DatabaseUnavailable: nothing is promised; the same request may be sent again.
        """
        opening = self._opening(owner, persona, question, opens, fair_use)
        asked = await self._ask(owner, persona, question, opening)
        if isinstance(asked, Occupied):
            with self._place_in_queue(owner, question.on_busy):
                asked = await self._wait(owner, persona, question, opening, asked.turn)
        return asked

    @property
    def waiting(self) -> int:
        """How many questions wait for their conversation to be free."""
        return self._waiting.total()

    async def cancel(self, owner: str, turn_id: UUID) -> Turn:
        """Stop a turn, wherever it runs, and return it as it stands; what was said so far is kept.

        Raises:
            TurnNotFound: the owner has no such turn.
        """
        turn = await self._store.cancel(owner, turn_id)
        if turn.status.live:
            self._speaker.stop(owner, turn_id)
        return turn

    async def _ask(
        self, owner: str, persona: Persona, question: Question, opening: Opening
    ) -> Asked | Occupied:
        with self._speaker.room(owner):
            began = monotonic()
            result = await self._store.begin(opening)
            while isinstance(result, KeyTaken):
                turn, decision = result.turn, decide(result.turn, question.fingerprint or b"")
                if decision is not Decision.TAKE_OVER:
                    return await self._known(owner, turn, decision)
                began = monotonic()
                result = await self._store.take_over(owner, turn.id, self._claim(), persona.window // 2)
            if isinstance(result, Opened):
                return self._answer(persona, question, result, monotonic() - began)
            return result

    def _answer(self, persona: Persona, question: Question, opened: Opened, opening: float) -> Asked:
        prompt = build_prompt(persona, opened.question, opened.history, opened.selected_text)
        live = self._speaker.start(opened.lease, prompt, streamed=question.streamed, opening=opening)
        lease = opened.lease
        return Asked(
            turn_id=lease.turn_id,
            conversation_id=lease.conversation_id,
            attempt=lease.attempt,
            live=live,
            allowance=opened.allowance,
        )

    async def _known(self, owner: str, turn: Turn, decision: Decision) -> Asked:
        if decision is Decision.REFUSE:
            raise IdempotencyKeyReused
        if decision is Decision.GIVE_UP:
            turn = await self._store.give_up(owner, turn.id, Failure.of(AttemptsExhausted()))
        return Asked(turn_id=turn.id, conversation_id=turn.conversation_id, attempt=turn.attempt, replayed=True)

    async def _wait(
        self, owner: str, persona: Persona, question: Question, opening: Opening, live: Turn
    ) -> Asked:
        """Ask again until the conversation is free; whoever waits takes nobody's place among running turns.

        Raises:
            ConversationBusy: it stayed busy for as long as we would wait.
        """
        until = asyncio.get_running_loop().time() + self._patience.queue
        while asyncio.get_running_loop().time() < until:
            if question.on_busy is OnBusy.INTERRUPT:
                await self.cancel(owner, live.id)
            await asyncio.sleep(self._patience.look)
            asked = await self._ask(owner, persona, question, opening)
            if isinstance(asked, Asked):
                return asked
            live = asked.turn
        raise ConversationBusy(retry_after=1)

    @contextmanager
    def _place_in_queue(self, owner: str, on_busy: OnBusy) -> Generator[None, None, None]:
        """Let a question wait.

        Raises:
            ConversationBusy: it would not, or enough of this owner's wait already.
        """
        if on_busy is OnBusy.REFUSE or self._waiting[owner] >= self._patience.waiters:
            raise ConversationBusy(retry_after=1)
        self._waiting[owner] += 1
        try:
            yield
        finally:
            self._waiting[owner] -= 1
            self._waiting = +self._waiting  # only those who wait

    def _opening(
        self, owner: str, persona: Persona, question: Question, opens: UUID | None, fair_use: FairUse
    ) -> Opening:
        conversation_id = question.conversation_id or opens
        return Opening(
            owner=owner,
            conversation_id=conversation_id or self._new_id(),
            new_conversation=question.conversation_id is None,
            turn_id=self._new_id(),
            question_id=self._new_id(),
            reply_id=self._new_id(),
            question=question.text,
            selected_text=question.selected_text,
            title=title_from(question.text or ""),
            key=question.key,
            fingerprint=question.fingerprint,
            replaces=question.replaces,
            window=persona.window // 2,
            claim=self._claim(),
            fair_use=fair_use,
            prompt_tokens=_estimated(persona, question),
        )

    def _claim(self) -> Claim:
        return Claim(token=self._new_id(), seconds=self._patience.lease)


def _estimated(persona: Persona, question: Question) -> int:
    """Return about how many tokens a prompt has without its history."""
    parts = (persona.instructions, question.text or "", question.selected_text or "")
    return sum(map(estimated_tokens, parts))


def _checked_key(key: str) -> None:
    if not 0 < len(key) <= LONGEST_KEY or not all("!" <= character <= "~" for character in key):
        raise InvalidRequest.of("Idempotency-Key", f"must be 1 to {LONGEST_KEY} visible ASCII characters")
