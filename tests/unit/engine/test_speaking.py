"""Speaking: a turn runs to its end, is written down as it goes, and obeys its lease."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from uuid import UUID

import pytest

from adapters.scripted import Reply
from chatcore.errors import ModelUnavailable, Overloaded
from chatcore.events import Cancelled, Done, Failed, Interrupted
from chatcore.ports.language_model import Finished, LanguageModel, ModelCall, ModelRequest
from chatcore.ports.turn_store import Lease, Outcome
from chatcore.turn import Turn, TurnStatus
from tests.unit.engine.house import OWNER, house, text_of, until

pytestmark = pytest.mark.anyio


async def test_a_turn_is_finished_though_nobody_listens() -> None:
    engine = house("said anyway")
    asked = await engine.ask()
    await until(lambda: engine.reports)
    turn = await engine.store.look(OWNER, asked.turn_id)
    assert turn.status is TurnStatus.COMPLETED
    assert turn.reply is not None
    assert turn.reply.content == "said anyway"


async def test_a_short_reply_needs_no_checkpoint() -> None:
    engine = house("short")
    await engine.ending(await engine.ask())
    assert engine.store.calls == ["begin", "finish"]


async def test_a_long_reply_is_kept_as_it_grows() -> None:
    hold = asyncio.Event()
    engine = house(Reply(pieces=("half ", "whole"), hold=hold, hold_after=1))
    asked = await engine.ask(streamed=True)
    replica = house(state=engine.state)
    await until(lambda: "checkpoint" in engine.store.calls)
    turn = await replica.store.look(OWNER, asked.turn_id)
    assert turn.status is TurnStatus.STREAMING
    hold.set()
    ended = await engine.ending(asked)
    assert isinstance(ended, Done)
    assert ended.message.content == "half whole"


async def test_a_quiet_turn_renews_its_lease() -> None:
    hold = asyncio.Event()
    engine = house(Reply(pieces=("late",), hold=hold))
    asked = await engine.ask()
    for _ in range(5):
        before = engine.store.calls.count("checkpoint")
        engine.clock.advance(8)
        await until(lambda before=before: engine.store.calls.count("checkpoint") > before + 1)
    hold.set()
    assert isinstance(await engine.ending(asked), Done)


async def test_a_checkpoint_that_fails_is_made_up_for_by_the_next() -> None:
    hold = asyncio.Event()
    engine = house(Reply(pieces=("half ", "whole"), hold=hold, hold_after=1))
    engine.store.outages["checkpoint"] = 2
    asked = await engine.ask(streamed=True)
    await until(lambda: engine.store.calls.count("checkpoint") >= 3)
    hold.set()
    assert isinstance(await engine.ending(asked), Done)


async def test_a_failed_finish_is_tried_again() -> None:
    engine = house("stored in the end")
    engine.store.outages["finish"] = 2
    assert isinstance(await engine.ending(await engine.ask()), Done)


async def test_listeners_are_told_of_a_long_outage_and_the_reply_is_recorded_after_it() -> None:
    engine = house("stored in the end")
    engine.store.outages["finish"] = 3
    asked = await engine.ask(key="k")
    told = await engine.ending(asked)
    assert isinstance(told, Failed)
    assert told.failure.code == "database-unavailable"
    assert told.failure.retryable
    again = await engine.ask(key="k")
    assert again.replayed
    ended = await engine.ending(again)
    assert isinstance(ended, Done)
    assert ended.message.content == "stored in the end"


async def test_an_endless_outage_is_given_up() -> None:
    engine = house("never stored")
    engine.store.outages["finish"] = 10_000
    await engine.ending(await engine.ask())
    await until(lambda: engine.reports)
    assert engine.reports[0].turn is None


async def test_a_failure_carries_how_long_to_wait() -> None:
    engine = house(ModelUnavailable(retry_after=7))
    ended = await engine.ending(await engine.ask())
    assert isinstance(ended, Failed)
    assert (ended.failure.code, ended.retry_after) == ("model-unavailable", 7)


async def test_a_bug_in_a_model_ends_the_turn_and_is_reported() -> None:
    engine = house(Reply(error=ZeroDivisionError("a bug")))  # type: ignore[arg-type]
    ended = await engine.ending(await engine.ask())
    assert isinstance(ended, Failed)
    assert ended.failure.code == "model-failed"
    assert isinstance(engine.reports[0].bug, ZeroDivisionError)


async def test_a_bug_in_a_store_is_reported_and_leaves_the_turn_to_its_lease() -> None:
    engine = house()

    async def finish(lease: Lease, outcome: Outcome, calls: Sequence[ModelCall]) -> Turn:
        raise ZeroDivisionError(lease, outcome, calls)

    engine.store.finish = finish  # type: ignore[method-assign]
    asked = await engine.ask()
    assert asked.live is not None
    assert await asked.live.ended() is None
    (report,) = engine.reports
    assert isinstance(report.bug, ZeroDivisionError)
    engine.clock.advance(60)
    assert (await engine.store.look(OWNER, asked.turn_id)).status is TurnStatus.INTERRUPTED


async def test_a_turn_that_is_deleted_while_it_is_handed_over_is_no_bug() -> None:
    engine = house(Reply(pieces=("never",), hold=asyncio.Event()))
    look = engine.store.look

    async def gone(owner: str, turn_id: UUID) -> Turn:
        turn = await look(owner, turn_id)
        await engine.conversations.delete(owner, turn.conversation_id)
        return await look(owner, turn_id)

    engine.store.look = gone  # type: ignore[method-assign]
    await engine.ask()
    await engine.speaker.drain(0)
    (report,) = engine.reports
    assert (report.turn, report.bug) == (None, None)


async def test_a_conversation_that_is_deleted_ends_its_turn() -> None:
    engine = house(Reply(pieces=("never",), hold=asyncio.Event()))
    asked = await engine.ask()
    await engine.conversations.delete(OWNER, asked.conversation_id)
    await until(lambda: engine.reports)
    assert engine.reports[0].turn is None
    assert engine.model.speaking == 0


async def test_a_drained_process_lets_turns_end() -> None:
    engine = house("in time", gap=0.02)
    asked = await engine.ask()
    await engine.speaker.drain(1)
    assert isinstance(await engine.ending(asked), Done)
    with pytest.raises(Overloaded):
        await engine.ask()


async def test_a_drained_process_hands_over_what_does_not_end() -> None:
    engine = house(Reply(pieces=("partial ", "never"), hold=asyncio.Event(), hold_after=1))
    asked = await engine.ask(streamed=True, key="k")
    waiting = asyncio.create_task(engine.ending(asked))
    await asyncio.sleep(0)
    await engine.speaker.drain(0.005)
    ended = await waiting
    assert isinstance(ended, Interrupted)
    assert ended.message is not None
    assert ended.message.content == "partial "
    replica = house("whole", state=engine.state)
    again = await replica.ask(key="k")
    assert again.attempt == 2
    assert isinstance(await replica.ending(again), Done)


async def test_a_turn_that_begins_while_others_are_handed_over_is_handed_over_too() -> None:
    engine = house("never said")
    engine.store.slow_begin = 0.02
    late = asyncio.create_task(engine.ask(streamed=True))
    await asyncio.sleep(0.01)
    await engine.speaker.drain(0)
    assert isinstance(await engine.ending(await late), Interrupted)
    assert not engine.model.requests


async def test_a_second_drain_makes_an_end_of_the_first_ones_waiting() -> None:
    engine = house(Reply(pieces=("never",), hold=asyncio.Event(), hold_after=0))
    asked = await engine.ask(streamed=True)
    patient = asyncio.create_task(engine.speaker.drain(60))
    await asyncio.sleep(0.01)
    await engine.speaker.drain(0)
    async with asyncio.timeout(1):
        await patient
    assert isinstance(await engine.ending(asked), Interrupted)


async def test_a_drain_without_turns_is_over_at_once() -> None:
    await house().speaker.drain(10)


async def test_a_drain_while_the_database_is_away_does_not_wait() -> None:
    engine = house("never stored")
    engine.store.outages["finish"] = 10_000
    asked = await engine.ask()
    await asyncio.sleep(0.02)
    await engine.speaker.drain(0.01)
    assert isinstance(await engine.ending(asked), Failed | Interrupted | Cancelled)


async def test_each_attempt_is_reported_with_its_figures() -> None:
    engine = house("some words")
    await engine.ending(await engine.ask(streamed=True))
    (report,) = engine.reports
    assert report.turn is not None
    assert report.streamed
    assert len(report.calls) == 1
    assert report.first_piece is not None
    assert 0 <= report.first_piece <= report.spoken <= report.recorded


async def test_a_turn_that_is_cancelled_before_the_model_is_asked_says_nothing() -> None:
    engine = house("never said")
    asked = await engine.ask()
    await engine.chat.cancel(OWNER, asked.turn_id)
    ended = await engine.ending(asked)
    assert isinstance(ended, Cancelled)
    assert ended.message is None
    assert not engine.model.requests


async def test_whoever_is_stopped_as_a_whole_takes_no_other_owners_turn_along() -> None:
    hold = asyncio.Event()
    engine = house(Reply(pieces=("never heard",), hold=hold), Reply(pieces=("heard",), hold=hold))
    adas, bobs = await engine.ask(), await engine.ask(owner="bob")
    await until(lambda: len(engine.model.requests) == 2)
    engine.speaker.stop_all(OWNER)
    assert isinstance(await engine.ending(adas), Cancelled)
    hold.set()
    assert isinstance(await engine.ending(bobs, owner="bob"), Done)


async def test_a_turn_that_has_not_begun_to_speak_is_handed_over() -> None:
    engine = house("never said")
    asked = await engine.ask()
    drained = asyncio.create_task(engine.speaker.drain(0))
    assert isinstance(await engine.ending(asked), Interrupted | Done)
    await drained


async def test_stopping_a_turn_that_has_said_everything_changes_nothing() -> None:
    engine = house("said")
    engine.store.outages["finish"] = 1
    asked = await engine.ask()
    await until(lambda: asked.live is not None and asked.live.length)
    engine.speaker.stop(OWNER, asked.turn_id)
    assert isinstance(await engine.ending(asked), Done)


class Mute(LanguageModel):
    """Ends without an end."""

    @property
    def name(self) -> str:
        return "mute"

    async def speak(self, request: ModelRequest) -> AsyncGenerator[str | Finished, None]:
        del request
        yield "and then"


async def test_a_reply_that_breaks_off_is_a_failure() -> None:
    engine = house()
    engine.speaker._model = Mute()
    ended = await engine.ending(await engine.ask())
    assert isinstance(ended, Failed)
    assert ended.failure.code == "model-failed"


async def test_a_slow_checkpoint_is_not_overtaken_by_the_next() -> None:
    engine = house(*[Reply(pieces=tuple("abcdefgh"))], gap=0.02)
    slow = engine.store.checkpoint

    async def checkpoint(lease: Lease, text: str, offset: int) -> bool:
        await asyncio.sleep(0.07)
        return await slow(lease, text, offset)

    engine.store.checkpoint = checkpoint  # type: ignore[method-assign]
    heard = await engine.heard(await engine.ask(streamed=True))
    assert text_of(heard) == "abcdefgh"
    assert isinstance(heard[-1], Done)


async def test_a_checkpoint_under_way_is_waited_for_before_the_reply_is_recorded() -> None:
    engine = house(Reply(pieces=("a ", "b")), gap=0.03)
    begun, go_on = asyncio.Event(), asyncio.Event()
    store_checkpoint = engine.store.checkpoint

    async def checkpoint(lease: Lease, text: str, offset: int) -> bool:
        begun.set()
        await go_on.wait()
        return await store_checkpoint(lease, text, offset)

    engine.store.checkpoint = checkpoint  # type: ignore[method-assign]
    asked = await engine.ask(streamed=True)
    await begun.wait()
    await until(lambda: engine.model.speaking == 0)
    assert "finish" not in engine.store.calls
    go_on.set()
    assert isinstance(await engine.ending(asked), Done)


async def test_a_task_that_somebody_else_cancels_leaves_the_turn_to_its_lease() -> None:
    engine = house(Reply(pieces=("never",), hold=asyncio.Event()))
    asked = await engine.ask(key="k")
    await asyncio.sleep(0.01)
    (task,) = engine.speaker._tasks
    task.cancel()
    await asyncio.wait([task])
    assert asked.live is not None
    assert await asked.live.ended() is None
    engine.clock.advance(60)
    assert (await engine.store.look(OWNER, asked.turn_id)).status is TurnStatus.INTERRUPTED
