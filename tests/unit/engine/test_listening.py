"""Listening: every listener gets every character once, here or on another replica, from any position."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.scripted import Reply
from chatcore.errors import TurnNotFound
from chatcore.events import (
    Accepted,
    Delta,
    Done,
    Ending,
    Failed,
    Interrupted,
    Position,
    Reset,
    Silence,
    TurnEvent,
)
from chatcore.live import LiveTurn
from tests.unit.engine.house import OWNER, house, text_of, until

pytestmark = pytest.mark.anyio
REPLY = "The quick brown fox jumps over the lazy dog."


async def test_a_stream_is_accepted_then_deltas_then_done() -> None:
    engine = house(REPLY)
    events = await engine.heard(await engine.ask(streamed=True))
    assert isinstance(events[0], Accepted)
    assert all(isinstance(event, Delta) for event in events[1:-1])
    assert isinstance(events[-1], Done)
    assert text_of(events) == events[-1].message.content == REPLY


async def test_two_listeners_hear_the_same() -> None:
    engine = house(REPLY, gap=0.001)
    asked = await engine.ask(streamed=True)
    one, other = await asyncio.gather(engine.heard(asked), engine.heard(asked))
    assert text_of(one) == text_of(other) == REPLY
    assert len(engine.model.requests) == 1


async def test_another_replica_follows_what_is_stored() -> None:
    engine = house(REPLY, gap=0.01)
    asked = await engine.ask(streamed=True)
    replica = house(state=engine.state)
    heard = [event async for event in replica.listener.events(OWNER, asked.turn_id, None)]
    assert isinstance(heard[0], Accepted)
    assert text_of(heard) == REPLY
    assert isinstance(heard[-1], Done)
    assert sum(isinstance(event, Delta) for event in heard) > 1


@pytest.mark.parametrize("offset", [0, 1, 17, len(REPLY) - 1, len(REPLY)])
async def test_a_finished_turn_is_replayed_from_any_position(offset: int) -> None:
    engine = house(REPLY)
    asked = await engine.ask()
    await engine.ending(asked)
    position = Position(attempt=1, offset=offset)
    heard = [event async for event in engine.listener.events(OWNER, asked.turn_id, position)]
    assert text_of(heard) == REPLY[offset:]
    assert isinstance(heard[-1], Done)


@pytest.mark.parametrize("here", [True, False])
@pytest.mark.parametrize("offset", [len(REPLY) + 1, 99_999, 2**63])
async def test_whoever_claims_more_than_was_said_is_told_all_of_it_from_the_beginning(
    offset: int, *, here: bool
) -> None:
    engine = house(REPLY)
    asked = await engine.ask()
    await engine.ending(asked)
    live = asked.live if here else None
    position = Position(attempt=1, offset=offset)
    heard = [
        event async for event in house(state=engine.state).listener.events(OWNER, asked.turn_id, position, live)
    ]
    assert isinstance(heard[0], Reset)
    assert text_of(heard[1:]) == REPLY
    assert isinstance(heard[-1], Done)


async def test_a_follower_ahead_of_the_store_is_not_reset_while_the_turn_runs_elsewhere() -> None:
    hold = asyncio.Event()
    engine = house(Reply(pieces=("The quick ", "brown fox"), hold=hold, hold_after=1))
    # Nothing is stored before the end, as in the moment before a checkpoint.
    engine.store.outages["checkpoint"] = 10_000
    asked = await engine.ask(streamed=True)
    await until(lambda: asked.live is not None and asked.live.length)
    following = house(state=engine.state)
    heard: list[TurnEvent] = []

    async def follow() -> None:
        position = Position(attempt=1, offset=len("The quick "))
        async for event in following.listener.events(OWNER, asked.turn_id, position):
            heard.append(event)  # noqa: PERF401 - the test looks at it while it grows

    task = asyncio.create_task(follow())
    await until(lambda: following.store.calls.count("follow") > 1)
    hold.set()
    await task
    assert not any(isinstance(event, Reset) for event in heard)
    assert text_of(heard) == "brown fox"
    assert isinstance(heard[-1], Done)


@pytest.mark.parametrize("offset", [0, 3, 10])
async def test_a_running_turn_is_joined_at_any_position(offset: int) -> None:
    hold = asyncio.Event()
    engine = house(Reply(pieces=("The quick ", "brown fox"), hold=hold, hold_after=1))
    asked = await engine.ask(streamed=True)
    await until(lambda: asked.live is not None and asked.live.length)
    joined = asyncio.create_task(engine.heard(asked, Position(attempt=1, offset=offset)))
    await asyncio.sleep(0.01)
    hold.set()
    assert text_of(await joined) == "The quick brown fox"[offset:]


async def test_whoever_stops_listening_is_forgotten_at_once() -> None:
    engine = house(Reply(pieces=("One ", "two"), hold=asyncio.Event(), hold_after=1))
    asked = await engine.ask(streamed=True)
    assert asked.live is not None
    hearing = engine.listener.events(OWNER, asked.turn_id, None, asked.live)
    assert [type(await anext(hearing)) for _ in range(2)] == [Accepted, Delta]
    assert asked.live._ears
    await hearing.aclose()
    assert not asked.live._ears
    await engine.speaker.drain(0)


async def test_silence_is_mentioned_here_and_on_another_replica() -> None:
    hold = asyncio.Event()
    engine = house(Reply(pieces=("late",), hold=hold))
    asked = await engine.ask(streamed=True)
    replica = house(state=engine.state)
    here = asyncio.create_task(engine.heard(asked))

    async def elsewhere() -> list[object]:
        return [event async for event in replica.listener.events(OWNER, asked.turn_id, None)]

    there = asyncio.create_task(elsewhere())
    await asyncio.sleep(0.2)
    hold.set()
    for heard in (await here, await there):
        assert any(isinstance(event, Silence) for event in heard)
        assert isinstance(heard[-1], Done)


async def test_a_takeover_resets_those_who_follow() -> None:
    engine = house(Reply(pieces=("void ", "never"), hold=asyncio.Event(), hold_after=1))
    asked = await engine.ask(streamed=True, key="k")
    await until(lambda: "checkpoint" in engine.store.calls)
    engine.store.outages["checkpoint"] = 10_000
    hold = asyncio.Event()
    replica = house(Reply(pieces=("new",), hold=hold), state=engine.state)
    following = house(state=engine.state)
    heard: list[object] = []

    async def follow() -> None:
        async for event in following.listener.events(OWNER, asked.turn_id, None):
            heard.append(event)  # noqa: PERF401 - the test looks at it while it grows

    task = asyncio.create_task(follow())
    await until(lambda: any(isinstance(event, Delta) for event in heard))
    # Within one look of the follower, or it would rightly be told that the turn is interrupted.
    engine.clock.advance(60)
    again = await replica.ask(key="k")
    await until(lambda: any(isinstance(event, Reset) for event in heard) or task.done())
    hold.set()
    await task
    after = heard[next(n for n, event in enumerate(heard) if isinstance(event, Reset)) + 1 :]
    assert again.attempt == 2
    assert text_of(after) == "new"  # type: ignore[arg-type]
    await engine.speaker.drain(0)


async def test_the_process_that_lost_a_turn_tells_its_listeners_of_the_new_attempt() -> None:
    engine = house(Reply(pieces=("void ", "never"), hold=asyncio.Event(), hold_after=1))
    asked = await engine.ask(streamed=True, key="k")
    task = asyncio.create_task(engine.heard(asked))
    await until(lambda: asked.live is not None and asked.live.length)
    engine.store.outages["checkpoint"] = 10_000
    engine.clock.advance(60)
    replica = house("new", state=engine.state)
    await replica.ending(await replica.ask(key="k"))
    engine.store.outages.clear()
    heard = await task
    assert any(isinstance(event, Reset) for event in heard)
    assert isinstance(heard[-1], Done)
    assert heard[-1].message.content == "new"


async def test_a_position_of_an_earlier_attempt_is_reset_in_the_running_process() -> None:
    engine = house("whole")
    asked = await engine.ask(streamed=True)
    heard = await engine.heard(asked, Position(attempt=7, offset=3))
    assert isinstance(heard[0], Reset)
    assert text_of(heard) == "whole"


async def test_an_interrupted_turn_ends_the_stream_with_its_partial_text() -> None:
    engine = house(Reply(pieces=("partial ", "never"), hold=asyncio.Event(), hold_after=1))
    asked = await engine.ask(streamed=True)
    await until(lambda: "checkpoint" in engine.store.calls)
    await asyncio.sleep(0.02)
    engine.store.outages["checkpoint"] = 10_000
    engine.clock.advance(60)
    replica = house(state=engine.state)
    heard = [event async for event in replica.listener.events(OWNER, asked.turn_id, None)]
    assert text_of(heard) == "partial "
    assert isinstance(heard[-1], Interrupted)
    await engine.speaker.drain(0)


async def test_a_follower_is_told_when_the_database_stays_away() -> None:
    engine = house(Reply(pieces=("never",), hold=asyncio.Event()))
    asked = await engine.ask()
    replica = house(state=engine.state)
    replica.store.outages["follow"] = 10_000
    position = Position(attempt=1, offset=0)
    heard = [event async for event in replica.listener.events(OWNER, asked.turn_id, position)]
    assert isinstance(heard[-1], Failed)
    assert heard[-1].failure.code == "database-unavailable"
    await engine.speaker.drain(0)


async def test_nobody_listens_to_another_owners_turn() -> None:
    engine = house()
    asked = await engine.ask()
    with pytest.raises(TurnNotFound):
        await engine.listener.ending("eve", asked.turn_id)
    with pytest.raises(TurnNotFound):
        await anext(engine.listener.events("eve", asked.turn_id, None))


async def test_a_listener_who_leaves_leaves_nothing_behind() -> None:
    engine = house(Reply(pieces=("never",), hold=asyncio.Event()))
    asked = await engine.ask(streamed=True)
    assert asked.live is not None
    task = asyncio.create_task(engine.heard(asked))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not asked.live._ears
    await engine.speaker.drain(0)


async def test_silence_is_counted_from_the_last_piece() -> None:
    engine = house()
    asked = await engine.ask()
    assert asked.live is not None
    live = LiveTurn(asked.live.lease)
    task = asyncio.create_task(all_of(live))
    for piece in ("a", "b"):
        await asyncio.sleep(0.6)
        live.say(piece)
    await asyncio.sleep(1.2)
    live.end(None)
    heard = await task
    assert [type(event) for event in heard] == [Delta, Delta, Silence]
    await engine.ending(asked)


async def all_of(live: LiveTurn) -> list[Delta | Ending | Silence]:
    return [event async for event in live.events(0, 1)]


@settings(max_examples=60, deadline=None)
@given(pieces=st.lists(st.text(min_size=1), max_size=8), offset=st.integers(0, 40))
def test_what_is_heard_after_an_offset_is_the_text_after_it(pieces: list[str], offset: int) -> None:
    async def scenario() -> None:
        engine = house()
        asked = await engine.ask()
        assert asked.live is not None
        live = LiveTurn(asked.live.lease)

        async def listen() -> str:
            return text_of([event async for event in live.events(offset, 1)])

        task = asyncio.create_task(listen())
        for piece in pieces:
            live.say(piece)
            await asyncio.sleep(0)
        live.end(None)
        assert await task == "".join(pieces)[offset:]
        await engine.ending(asked)

    asyncio.run(scenario())
