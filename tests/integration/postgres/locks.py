"""Races that are made to happen: everybody waits for a row that a third party holds, then all go on at once."""

import asyncio
from collections import Counter
from collections.abc import Coroutine
from typing import Any

import psycopg

from chatcore.ports.turn_store import KeyTaken, Opened
from tests.contract.stores import PostgresStores, Stores
from tests.contract.turns import OWNER, answered, claim, opened, opening

HELD = "SELECT FROM chatcore.{} WHERE owner = 'alice' FOR UPDATE"
WAITING = """
SELECT count(*)
  FROM pg_stat_activity
 WHERE datname = current_database()
   AND wait_event_type = 'Lock'
"""


async def let_go_at_once(
    stores: Stores, table: str, *steps: Coroutine[Any, Any, object]
) -> "Counter[type[object]]":
    """Begin the steps while every row of a table is held, let go of it, and count the kinds of answers."""
    assert isinstance(stores, PostgresStores)
    with psycopg.connect(stores.superuser_url) as holder:
        holder.execute(HELD.format(table).encode())
        tasks = [asyncio.ensure_future(step) for step in steps]
        await all_wait(stores, len(steps))
        holder.commit()
        answers = await asyncio.gather(*tasks)
    return Counter(map(type, answers))


async def all_wait(stores: PostgresStores, number: int) -> None:
    """Return once so many sessions wait for a lock, which takes a moment while they are still connecting."""
    with psycopg.connect(stores.superuser_url, autocommit=True) as observer:
        for _ in range(200):
            await asyncio.sleep(0.01)
            row = observer.execute(WAITING).fetchone()
            assert row is not None
            if row[0] >= number:
                return
    raise AssertionError("they do not wait")


async def connected(stores: Stores) -> None:
    """Have as many connections open as the races need."""
    await asyncio.gather(*(stores.conversations.conversations(OWNER, limit=1, before=None) for _ in range(64)))


async def of_takeovers_that_waited_for_the_turn_one_succeeds(stores: Stores) -> None:
    lease = (await opened(stores.turns)).lease
    await stores.turns.release(lease)
    await connected(stores)
    takeovers = [stores.turns.take_over(OWNER, lease.turn_id, claim(), 5) for _ in range(4)]
    assert await let_go_at_once(stores, "turn", *takeovers) == {Opened: 1, KeyTaken: 3}


async def of_questions_under_one_key_that_waited_one_is_recorded(stores: Stores) -> None:
    earlier = await answered(stores.turns)
    await connected(stores)
    questions = [stores.turns.begin(opening(earlier.conversation_id, key="k")) for _ in range(3)]
    assert await let_go_at_once(stores, "conversation", *questions) == {Opened: 1, KeyTaken: 2}
