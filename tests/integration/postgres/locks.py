"""Races that are made to happen: everybody waits for a row that a third party holds, then all go on at once."""

import asyncio
from collections import Counter
from collections.abc import Coroutine
from typing import Any

import psycopg

from chatcore.ports.turn_store import KeyTaken, Occupied, Opened
from tests.contract.stores import PostgresStores, Stores
from tests.contract.turns import OWNER, claim, opened, opening

HELD = "SELECT FROM chatcore.{} WHERE owner = 'alice' FOR UPDATE"


async def let_go_at_once(
    stores: Stores, table: str, *steps: Coroutine[Any, Any, object]
) -> "Counter[type[object]]":
    """Begin the steps while every row of a table is held, let go of it, and count the kinds of answers."""
    assert isinstance(stores, PostgresStores)
    with psycopg.connect(stores.superuser_url) as holder:
        holder.execute(HELD.format(table).encode())
        tasks = [asyncio.ensure_future(step) for step in steps]
        await asyncio.sleep(0.5)
        holder.commit()
        answers = await asyncio.gather(*tasks)
    return Counter(map(type, answers))


async def of_takeovers_that_waited_for_the_turn_one_succeeds(stores: Stores) -> None:
    lease = (await opened(stores.turns)).lease
    await stores.turns.release(lease)
    takeovers = [stores.turns.take_over(OWNER, lease.turn_id, claim(), 5) for _ in range(4)]
    assert await let_go_at_once(stores, "turn", *takeovers) == {Opened: 1, KeyTaken: 3}


async def of_a_takeover_and_a_question_that_waited_one_goes_first(stores: Stores) -> None:
    lease = (await opened(stores.turns)).lease
    await stores.turns.release(lease)
    begin = stores.turns.begin(opening(lease.conversation_id))
    take_over = stores.turns.take_over(OWNER, lease.turn_id, claim(), 5)
    assert await let_go_at_once(stores, "conversation", begin, take_over) == {Opened: 1, Occupied: 1}
