"""A deadline cuts waits short, and nothing else."""

import asyncio
import time

import pytest

from chatcore.deadline import Deadline

pytestmark = pytest.mark.anyio


async def test_a_wait_beyond_it_is_cut_short() -> None:
    with Deadline(0.05) as deadline:
        began = time.monotonic()
        with pytest.raises(TimeoutError):
            await deadline.wait(asyncio.sleep(10))
    assert 0.04 < time.monotonic() - began < 1


async def test_several_waits_share_it() -> None:
    waits = 0

    async def wait_often() -> None:
        nonlocal waits
        with Deadline(0.1) as deadline:
            while True:
                await deadline.wait(asyncio.sleep(0.02))
                waits += 1

    with pytest.raises(TimeoutError):
        await wait_often()
    assert 1 <= waits <= 5


async def test_what_comes_in_time_is_returned() -> None:
    with Deadline(5) as deadline:
        assert await deadline.wait(asyncio.sleep(0, "here")) == "here"


async def test_what_its_owner_does_between_two_waits_is_not_cut_short() -> None:
    with Deadline(0.02) as deadline:
        await asyncio.sleep(0.05)
        with pytest.raises(TimeoutError):
            await deadline.wait(asyncio.sleep(10))


async def test_what_is_there_at_once_is_had_after_it() -> None:
    async def at_once() -> str:
        return "here"

    with Deadline(0.01) as deadline:
        await asyncio.sleep(0.03)
        assert await deadline.wait(at_once()) == "here"
    await asyncio.sleep(0.01)


async def test_it_is_brought_forward_and_never_put_off() -> None:
    with Deadline(10) as deadline:
        deadline.shorten(0.05)
        deadline.shorten(20)
        began = time.monotonic()
        with pytest.raises(TimeoutError):
            await deadline.wait(asyncio.sleep(10))
        assert time.monotonic() - began < 1


async def test_a_task_that_is_cancelled_is_not_told_that_it_timed_out() -> None:
    async def waiting() -> None:
        with Deadline(10) as deadline:
            await deadline.wait(asyncio.sleep(10))

    task = asyncio.create_task(waiting())
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_task_that_is_cancelled_at_the_deadline_is_cancelled() -> None:
    async def waiting() -> None:
        with Deadline(0.01) as deadline:
            await deadline.wait(asyncio.sleep(10))

    task = asyncio.create_task(waiting())
    await asyncio.sleep(0)
    time.sleep(0.05)  # noqa: ASYNC251 - so that the timer and the cancelling meet in one turn of the loop
    asyncio.get_running_loop().call_later(0, task.cancel)
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_task_that_timed_out_can_wait_again() -> None:
    task = asyncio.current_task()
    assert task is not None
    with Deadline(0.01) as deadline, pytest.raises(TimeoutError):
        await deadline.wait(asyncio.sleep(10))
    assert task.cancelling() == 0
    await asyncio.sleep(0.01)


async def test_it_is_silent_after_its_context() -> None:
    with Deadline(0.02):
        pass
    await asyncio.sleep(0.05)


async def test_outside_a_task_there_is_nothing_to_cut_short() -> None:
    loop = asyncio.get_running_loop()
    refused: asyncio.Future[str] = loop.create_future()

    def outside() -> None:
        with Deadline(5) as deadline:
            waiting = deadline.wait(refused)
            try:
                waiting.send(None)
            except RuntimeError as error:
                refused.set_result(str(error))

    loop.call_soon(outside)
    assert "tasks" in await refused
