"""Asking: what begins a turn, what finds an earlier one, and what is refused."""

import asyncio
from uuid import uuid4

import pytest

from adapters.scripted import Reply
from chatcore.chat import OnBusy, Patience, Question
from chatcore.conversation import Role
from chatcore.errors import (
    ConversationBusy,
    ConversationNotFound,
    Failure,
    IdempotencyKeyReused,
    InvalidRequest,
    ModelFailed,
    ModelRefused,
    Overloaded,
    TurnNotFound,
)
from chatcore.events import Cancelled, Done, Failed
from chatcore.turn import MAX_ATTEMPTS, TurnStatus
from tests.unit.engine.house import OWNER, house, until

pytestmark = pytest.mark.anyio


async def test_a_question_is_answered() -> None:
    engine = house("Forty two.")
    ending = await engine.ending(await engine.ask())
    assert isinstance(ending, Done)
    assert ending.message.content == "Forty two."
    assert ending.message.role is Role.ASSISTANT


async def test_the_history_goes_along() -> None:
    engine = house("one", "two")
    first = await engine.ask("first")
    await engine.ending(first)
    await engine.ending(await engine.ask("second", conversation_id=first.conversation_id))
    sent = [text for _, text in engine.model.requests[1].prompt.messages()]
    assert sent[1:] == ["first", "one", "second"]


async def test_nobody_asks_in_another_owners_conversation() -> None:
    engine = house()
    asked = await engine.ask()
    await engine.ending(asked)
    with pytest.raises(ConversationNotFound):
        await engine.ask(owner="eve", conversation_id=asked.conversation_id)


async def test_the_same_key_is_the_same_turn() -> None:
    engine = house("one", "two")
    first = await engine.ask(key="k")
    told = await engine.ending(first)
    again = await engine.ask(key="k")
    assert again.replayed
    assert again.turn_id == first.turn_id
    assert await engine.ending(again) == told
    assert len(engine.model.requests) == 1


async def test_a_retry_of_a_running_turn_waits_for_it() -> None:
    hold = asyncio.Event()
    engine = house(Reply(pieces=("late",), hold=hold))
    first, again = await engine.ask(key="k"), await engine.ask(key="k")
    waiting = asyncio.create_task(engine.ending(again))
    await asyncio.sleep(0.02)
    assert not waiting.done()
    hold.set()
    assert await waiting == await engine.ending(first)


async def test_sixteen_at_once_under_one_key_are_one_turn() -> None:
    engine = house("one")
    asked = await asyncio.gather(*(engine.ask(key="k") for _ in range(16)))
    assert len({each.turn_id for each in asked}) == 1
    assert sum(not each.replayed for each in asked) == 1
    await asyncio.gather(*map(engine.ending, asked))
    assert len(engine.model.requests) == 1


async def test_a_key_with_another_question_is_refused() -> None:
    engine = house()
    await engine.ending(await engine.ask("one", key="k"))
    with pytest.raises(IdempotencyKeyReused):
        await engine.ask("two", key="k")


async def test_the_same_key_of_another_owner_is_another_key() -> None:
    engine = house()
    mine, theirs = await engine.ask(key="k"), await engine.ask("two", key="k", owner="eve")
    assert mine.turn_id != theirs.turn_id
    assert not theirs.replayed


async def test_a_failure_that_may_pass_is_tried_again_under_the_same_turn() -> None:
    engine = house(ModelFailed(), "now")
    first = await engine.ask(key="k")
    assert isinstance(await engine.ending(first), Failed)
    again = await engine.ask(key="k")
    assert (again.turn_id, again.attempt, again.replayed) == (first.turn_id, 2, False)
    assert isinstance(await engine.ending(again), Done)


async def test_a_final_failure_is_replayed() -> None:
    engine = house(ModelRefused(), "never said")
    told = await engine.ending(await engine.ask(key="k"))
    again = await engine.ask(key="k")
    assert again.replayed
    assert await engine.ending(again) == told
    assert len(engine.model.requests) == 1


async def test_a_turn_that_fails_ten_times_is_given_up() -> None:
    engine = house(ModelFailed())
    for _ in range(MAX_ATTEMPTS):
        assert isinstance(await engine.ending(await engine.ask(key="k")), Failed)
    ending = await engine.ending(await engine.ask(key="k"))
    assert ending == Failed(failure=Failure(code="attempts-exhausted", retryable=False), attempt=MAX_ATTEMPTS)
    assert len(engine.model.requests) == MAX_ATTEMPTS


async def test_a_busy_conversation_refuses() -> None:
    hold = asyncio.Event()
    engine = house(Reply(pieces=("slow",), hold=hold), "quick")
    first = await engine.ask()
    with pytest.raises(ConversationBusy) as refusal:
        await engine.ask(conversation_id=first.conversation_id)
    assert refusal.value.retry_after
    hold.set()
    await engine.ending(first)


async def test_a_question_may_interrupt_the_one_before() -> None:
    engine = house(Reply(pieces=("partial ", "rest"), hold=asyncio.Event(), hold_after=1), "quick")
    first = await engine.ask(streamed=True)
    await until(lambda: first.live is not None and first.live.length)
    second = await engine.ask(conversation_id=first.conversation_id, on_busy=OnBusy.INTERRUPT)
    ended = await engine.ending(first)
    assert isinstance(ended, Cancelled)
    assert ended.message is not None
    assert ended.message.content == "partial "
    assert isinstance(await engine.ending(second), Done)


async def test_a_question_may_wait_for_the_one_before() -> None:
    hold = asyncio.Event()
    engine = house(Reply(pieces=("slow",), hold=hold), "quick")
    first = await engine.ask()
    waiting = asyncio.create_task(engine.ask(conversation_id=first.conversation_id, on_busy=OnBusy.ENQUEUE))
    await asyncio.sleep(0.03)
    assert not waiting.done()
    hold.set()
    assert isinstance(await engine.ending(await waiting), Done)


async def test_a_question_does_not_wait_for_ever() -> None:
    engine = house(Reply(pieces=("never",), hold=asyncio.Event()))
    first = await engine.ask()
    with pytest.raises(ConversationBusy):
        await engine.ask(conversation_id=first.conversation_id, on_busy=OnBusy.ENQUEUE)
    await engine.speaker.drain(0)


async def test_a_question_can_be_answered_again() -> None:
    engine = house("first answer", "second answer")
    first = await engine.ask("the question", selected_text="the text")
    await engine.ending(first)
    again = await engine.ask(None, conversation_id=first.conversation_id, replaces=first.turn_id)
    await engine.ending(again)
    prompt = engine.model.requests[1].prompt
    assert (prompt.question, prompt.selected_text, prompt.history) == ("the question", "the text", ())


async def test_a_question_can_be_changed_and_what_came_after_leaves_the_path() -> None:
    engine = house()
    first = await engine.ask("one")
    await engine.ending(first)
    place = first.conversation_id
    second = await engine.ask("two", conversation_id=place)
    await engine.ending(second)
    await engine.ending(await engine.ask("three", conversation_id=place))
    await engine.ending(await engine.ask("changed", conversation_id=place, replaces=second.turn_id))
    await engine.ending(await engine.ask("next", conversation_id=place))
    asked = [exchange.question for exchange in engine.model.requests[-1].prompt.history]
    assert asked == ["one", "changed"]


async def test_a_turn_that_is_not_there_cannot_be_replaced() -> None:
    engine = house()
    first = await engine.ask()
    await engine.ending(first)
    with pytest.raises(TurnNotFound):
        await engine.ask(conversation_id=first.conversation_id, replaces=uuid4())


async def test_a_full_process_takes_no_more_turns() -> None:
    engine = house(Reply(pieces=("never",), hold=asyncio.Event()), capacity=1)
    await engine.ask()
    with pytest.raises(Overloaded):
        await engine.ask()
    await engine.speaker.drain(0)


async def test_the_last_places_are_for_owners_who_have_few() -> None:
    engine = house(Reply(pieces=("never",), hold=asyncio.Event()), capacity=20)
    for _ in range(18):
        await engine.ask(owner="greedy")
    with pytest.raises(Overloaded):
        await engine.ask(owner="greedy")
    for _ in range(2):
        await engine.ask(owner="polite")
    with pytest.raises(Overloaded):
        await engine.ask(owner="somebody else")
    await engine.speaker.drain(0)
    assert not engine.speaker._held


async def test_a_question_that_is_being_recorded_has_its_place_already() -> None:
    engine = house(capacity=1)
    engine.store.slow_begin = 0.02
    recorded = asyncio.create_task(engine.ask())
    await asyncio.sleep(0.01)
    with pytest.raises(Overloaded):
        await engine.ask()
    assert isinstance(await engine.ending(await recorded), Done)


async def test_questions_that_wait_take_nobodys_place() -> None:
    engine = house(Reply(pieces=("never",), hold=asyncio.Event()), capacity=3)
    engine.chat._patience = Patience(lease=10, queue=0.5, look=0.2)
    first = await engine.ask()
    place = first.conversation_id
    queued = [asyncio.create_task(engine.ask(conversation_id=place, on_busy=OnBusy.ENQUEUE)) for _ in range(4)]
    await asyncio.sleep(0.02)
    await engine.ask(owner="eve")
    with pytest.raises(ConversationBusy):
        await engine.ask(conversation_id=place, on_busy=OnBusy.ENQUEUE)
    await engine.speaker.drain(0)
    results = await asyncio.gather(*queued, return_exceptions=True)
    assert all(isinstance(result, Overloaded | ConversationBusy) for result in results)


async def test_the_lease_that_ran_out_is_taken_over_by_the_same_key() -> None:
    hold = asyncio.Event()
    engine = house(Reply(pieces=("zombie",), hold=hold), "alive")
    engine.store.outages["checkpoint"] = 10_000
    first = await engine.ask(key="k")
    engine.clock.advance(60)
    replica = house("alive", state=engine.state)
    again = await replica.ask(key="k")
    assert (again.turn_id, again.attempt) == (first.turn_id, 2)
    ended = await replica.ending(again)
    hold.set()
    assert await engine.ending(first) == ended
    assert isinstance(ended, Done)
    assert ended.message.content == "alive"


async def test_a_cancelled_turn_keeps_what_was_said() -> None:
    engine = house(Reply(pieces=("kept ", "never"), hold=asyncio.Event(), hold_after=1))
    asked = await engine.ask(streamed=True)
    await asyncio.sleep(0.02)
    turn = await engine.chat.cancel(OWNER, asked.turn_id)
    assert turn.status.live
    ended = await engine.ending(asked)
    assert isinstance(ended, Cancelled)
    assert ended.message is not None
    assert ended.message.content == "kept "
    assert (await engine.chat.cancel(OWNER, asked.turn_id)).status is TurnStatus.CANCELLED


async def test_a_turn_is_cancelled_from_another_process() -> None:
    engine = house(Reply(pieces=("never",), hold=asyncio.Event()))
    replica = house(state=engine.state)
    asked = await engine.ask()
    await replica.chat.cancel(OWNER, asked.turn_id)
    assert isinstance(await engine.ending(asked), Cancelled)
    assert engine.model.speaking == 0


async def test_nobody_cancels_another_owners_turn() -> None:
    engine = house(Reply(pieces=("mine",), hold=asyncio.Event()))
    asked = await engine.ask()
    with pytest.raises(TurnNotFound):
        await engine.chat.cancel("eve", asked.turn_id)
    engine.speaker.stop("eve", asked.turn_id)
    assert engine.model.speaking <= 1
    assert engine.speaker.find("eve", asked.turn_id) is None
    await engine.speaker.drain(0)


@pytest.mark.parametrize(
    ("parts", "field"),
    [
        ({"text": None}, "message"),
        ({"text": " "}, "message"),
        ({"text": "x" * 32_001}, "message"),
        ({"text": "x", "selected_text": ""}, "selected_text"),
        ({"text": "x", "selected_text": "x" * 16_001}, "selected_text"),
        ({"text": "x", "replaces": uuid4()}, "conversation_id"),
        ({"text": "x", "key": ""}, "Idempotency-Key"),
        ({"text": "x", "key": "x" * 256}, "Idempotency-Key"),
        ({"text": "x", "key": "with space"}, "Idempotency-Key"),
        ({"text": "x", "key": "ünicode"}, "Idempotency-Key"),
    ],
)
async def test_what_cannot_be_asked_is_refused_by_its_field(parts: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        Question(**parts)  # type: ignore[arg-type]
    assert refusal.value.faults[0].field == field


async def test_the_report_says_how_long_the_beginning_took() -> None:
    engine = house()
    engine.store.slow_begin = 0.05
    asked = await engine.ask(key="k")
    await engine.ending(asked)
    await engine.speaker.drain(1)
    assert 0.05 <= engine.reports[0].opening < 1


async def test_those_who_run_and_those_who_wait_are_counted() -> None:
    release = asyncio.Event()
    engine = house(Reply(pieces=("One.",), hold=release), "Two.")
    first = await engine.ask()
    waiting = asyncio.create_task(
        engine.ask("And?", conversation_id=first.conversation_id, on_busy=OnBusy.ENQUEUE)
    )
    await until(lambda: engine.chat.waiting == 1)
    assert engine.speaker.running == 1
    release.set()
    await engine.ending(await waiting)
    await engine.speaker.drain(1)
    assert (engine.speaker.running, engine.chat.waiting) == (0, 0)
