"""However the steps of two owners are mixed, PostgreSQL and memory say what a tiny model of turns says."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AsyncExitStack
from typing import Any
from uuid import UUID

import psycopg
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from chatcore.errors import ConversationNotFound, LeaseLost, TurnNotFound
from chatcore.events import Position
from chatcore.ports.turn_store import Claim, KeyTaken, Lease, Occupied, Opened, Opening, Outcome
from chatcore.turn import Turn
from tests.contract.stores import MemoryStores, Stores, postgres_stores
from tests.contract.turn_store.reference import Answer, Reference
from tests.contract.turns import (
    ANSWER,
    BEFORE_A_WORD,
    CALL,
    FOR_GOOD,
    FOR_NOW,
    GIVEN_UP,
    IN_MID_SPEECH,
    opening,
)
from tests.databases import Database

CONVERSATIONS = [UUID(int=1), UUID(int=2)]
OUTCOMES = [ANSWER, FOR_NOW, FOR_GOOD, IN_MID_SPEECH, BEFORE_A_WORD]
REFUSALS = (ConversationNotFound, LeaseLost, TurnNotFound)
anything = st.integers(min_value=0, max_value=10_000)
owners = st.sampled_from(["alice", "bob"])


class Turns(RuleBasedStateMachine):
    """Takes the same step in both stores and in the model, and compares the answers."""

    def __init__(self, database: Database) -> None:
        super().__init__()
        self.reference = Reference()
        self.leases: list[Lease] = []
        self.openings: list[Opening] = []
        self.offsets: dict[tuple[str, UUID, int], int] = {}
        self._ids: Iterator[UUID] = map(UUID, (f"{n:032x}" for n in range(10, 10**6)))
        self._runner = asyncio.Runner()
        self._exit = AsyncExitStack()
        with psycopg.connect(database.superuser_url, autocommit=True) as connection:
            connection.execute("DELETE FROM chatcore.app_user")
        postgres = postgres_stores(database.app_url, database.superuser_url)
        self.stores: list[Stores] = [MemoryStores(), self._runner.run(self._exit.enter_async_context(postgres))]

    def teardown(self) -> None:
        try:
            self.look_at_everything()
        finally:
            self._runner.run(self._exit.aclose())
            self._runner.close()

    @rule(
        owner=owners,
        conversation_id=st.sampled_from(CONVERSATIONS),
        new=st.booleans(),
        key=st.sampled_from([None, None, "k", "l"]),
        replaces=st.none() | anything,
        question=st.none() | st.just("q"),
        window=st.integers(min_value=0, max_value=3),
    )
    def begin(
        self,
        owner: str,
        conversation_id: UUID,
        new: bool,  # noqa: FBT001 - hypothesis passes it by name
        key: str | None,
        replaces: int | None,
        question: str | None,
        window: int,
    ) -> None:
        replaced = self.openings[replaces % len(self.openings)].turn_id if self.openings and replaces else None
        wish = opening(
            conversation_id,
            owner=owner,
            new_conversation=new,
            key=key,
            turn_id=next(self._ids),
            replaces=replaced,
            question=question if replaced else f"q{len(self.openings)}",
            window=window,
            claim=Claim(token=next(self._ids), seconds=600.0),
        )
        self.openings.append(wish)
        self._begun(wish)

    @precondition(lambda self: self.openings)
    @rule(which=anything)
    def begin_again(self, which: int) -> None:
        self._begun(self.openings[which % len(self.openings)])

    @precondition(lambda self: self.openings)
    @rule(which=anything, window=st.integers(min_value=0, max_value=3))
    def take_over(self, which: int, window: int) -> None:
        wish, token = self.openings[which % len(self.openings)], next(self._ids)
        answers = self._both(
            lambda stores: stores.turns.take_over(
                wish.owner, wish.turn_id, Claim(token=token, seconds=600.0), window
            ),
            lambda: self.reference.take_over(wish.owner, wish.turn_id, token, window),
        )
        self._keep(answers)

    @precondition(lambda self: self.leases)
    @rule(which=anything, text=st.sampled_from(["", "a", "🤖b"]))
    def checkpoint(self, which: int, text: str) -> None:
        lease = self.leases[which % len(self.leases)]
        at = (lease.owner, lease.turn_id, lease.attempt)
        offset = self.offsets.get(at, 0) + len(text)
        self.offsets[at] = offset
        self._both(
            lambda stores: stores.turns.checkpoint(lease, text, offset),
            lambda: self.reference.checkpoint(lease, text),
        )

    @precondition(lambda self: self.leases)
    @rule(which=anything, outcome=st.sampled_from(OUTCOMES))
    def finish(self, which: int, outcome: Outcome) -> None:
        lease = self.leases[which % len(self.leases)]
        self._both(
            lambda stores: stores.turns.finish(lease, outcome, [CALL]),
            lambda: self.reference.finish(lease, outcome),
        )

    @precondition(lambda self: self.leases)
    @rule(which=anything)
    def release(self, which: int) -> None:
        lease = self.leases[which % len(self.leases)]
        self._both(lambda stores: stores.turns.release(lease), lambda: self.reference.release(lease))

    @precondition(lambda self: self.leases)
    @rule(which=anything)
    def expire(self, which: int) -> None:
        lease = self.leases[which % len(self.leases)]
        known = self.reference.turns.get((lease.owner, lease.turn_id))
        if known is not None and known.status.live:
            self.reference.expire(lease.owner, lease.turn_id)
            for stores in self.stores:
                self._runner.run(stores.let_lease_expire(lease.owner, lease.turn_id))

    @precondition(lambda self: self.openings)
    @rule(which=anything)
    def cancel(self, which: int) -> None:
        wish = self.openings[which % len(self.openings)]
        self._both(
            lambda stores: stores.turns.cancel(wish.owner, wish.turn_id),
            lambda: self.reference.cancel(wish.owner, wish.turn_id),
        )

    @precondition(lambda self: self.openings)
    @rule(which=anything)
    def give_up(self, which: int) -> None:
        wish = self.openings[which % len(self.openings)]
        self._both(
            lambda stores: stores.turns.give_up(wish.owner, wish.turn_id, GIVEN_UP),
            lambda: self.reference.give_up(wish.owner, wish.turn_id, GIVEN_UP),
        )

    @rule(owner=owners, conversation_id=st.sampled_from(CONVERSATIONS), really=st.integers(0, 3))
    def delete(self, owner: str, conversation_id: UUID, really: int) -> None:
        if really == 0:
            self._both(
                lambda stores: stores.conversations.delete(owner, conversation_id),
                lambda: self.reference.delete(owner, conversation_id),
            )

    @rule()
    def look_at_everything(self) -> None:
        for (owner, turn_id), known in self.reference.turns.items():
            for stores in self.stores:
                start = Position(attempt=known.attempt, offset=0)
                progress = self._runner.run(stores.turns.follow(owner, turn_id, start))
                assert plain(progress.turn) == known.facts()
                assert progress.text == (known.said if known.status.live else "")
        for owner in ("alice", "bob"):
            memory, postgres = (self._runner.run(stores.rows(owner)) for stores in self.stores)
            assert memory == postgres

    def _begun(self, wish: Opening) -> None:
        self._keep(self._both(lambda stores: stores.turns.begin(wish), lambda: self.reference.begin(wish)))

    def _keep(self, answers: list[object]) -> None:
        leases = [answer.lease for answer in answers if isinstance(answer, Opened)]
        assert len(set(leases)) <= 1
        self.leases.extend(leases[:1])

    def _both(
        self, step: Callable[[Stores], Coroutine[Any, Any, object]], expected: Callable[[], Answer]
    ) -> list[object]:
        """Take a step everywhere and return what the stores answered, which is what the model answers."""
        try:
            wanted: object = expected()
        except REFUSALS as refusal:
            wanted = type(refusal)
        answers = [self._runner.run(answered(step(stores))) for stores in self.stores]
        for answer in answers:
            assert plain(answer) == wanted
        return answers


async def answered(step: Coroutine[Any, Any, object]) -> object:
    try:
        return await step
    except REFUSALS as refusal:
        return type(refusal)


def plain(answer: object) -> object:  # noqa: PLR0911 - a case each
    """Return what the model too can say of an answer."""
    match answer:
        case Turn():
            reply = answer.reply.content if answer.reply else None
            return (answer.number, answer.status, answer.attempt, reply, answer.failure, answer.active)
        case KeyTaken(turn=turn):
            return "key taken", plain(turn)
        case Occupied(turn=turn):
            return "occupied", plain(turn)
        case Opened():
            history = tuple((said.question, said.answer) for said in answer.history)
            return "opened", answer.lease.attempt, answer.question, history
        case bool():
            return (answer,)
        case None:
            return ()
        case _:
            return answer


def test_the_stores_say_what_the_model_says(emptied_database: Database) -> None:
    class Here(Turns):
        def __init__(self) -> None:
            super().__init__(emptied_database)

    run_state_machine_as_test(
        Here,
        settings=settings(
            max_examples=25, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
