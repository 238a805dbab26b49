"""What a user has spent is told by days of UTC: from the ledger, and as it counts against a budget."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from chatcore.fair_use import REPLY_ALLOWANCE, FairUse
from chatcore.spending import DAYS, DaysCalls, Spending
from tests.contract.stores import Stores
from tests.contract.turns import ANSWER, CALL, FOR_NOW, OWNER, USAGE, opened

pytestmark = pytest.mark.anyio
BUDGET = FairUse(daily_tokens=100_000)
COST = USAGE.input_tokens + USAGE.output_tokens


async def called(stores: Stores, *, times: int = 1, fair_use: FairUse = BUDGET) -> None:
    """Answer a question with so many calls of a model."""
    lease = (await opened(stores.turns, fair_use=fair_use)).lease
    await stores.turns.finish(lease, ANSWER, [CALL] * times)


def of_calls(spending: Spending, age: int, calls: int) -> DaysCalls:
    """Return what so many calls have cost on a day so long ago."""
    return DaysCalls(
        day=spending.today - timedelta(days=age),
        calls=calls,
        input_tokens=calls * USAGE.input_tokens,
        output_tokens=calls * USAGE.output_tokens,
    )


async def test_who_is_not_known_has_spent_nothing(stores: Stores) -> None:
    spending = await stores.accounts.usage(OWNER)
    assert spending == Spending(today=spending.today, counted=0, reserved=0, days=())
    assert abs((spending.renews_at - datetime.now(UTC)) - timedelta(hours=12)) <= timedelta(hours=12)


async def test_every_call_is_counted_and_of_this_owner_only(stores: Stores) -> None:
    await called(stores, times=3)
    lease = (await opened(stores.turns, owner="bob")).lease
    await stores.turns.finish(lease, FOR_NOW, [CALL])
    spending = await stores.accounts.usage(OWNER)
    assert spending.days == (of_calls(spending, 0, 3),)
    assert (spending.counted, spending.reserved) == (3 * COST, 0)
    assert spending.spent(bounded=True) == spending.spent(bounded=False) == 3 * COST


async def test_what_runs_is_reserved(stores: Stores) -> None:
    await opened(stores.turns, fair_use=BUDGET, prompt_tokens=50)
    spending = await stores.accounts.usage(OWNER)
    assert (spending.counted, spending.reserved) == (0, 50 + REPLY_ALLOWANCE)


async def test_without_a_budget_the_ledger_knows_what_was_spent(stores: Stores) -> None:
    await called(stores, fair_use=FairUse())
    await called(stores)
    spending = await stores.accounts.usage(OWNER)
    assert spending.spent(bounded=False) == 2 * COST
    assert spending.spent(bounded=True) == COST


async def test_days_come_newest_first_and_go_back_no_further_than_they_should(stores: Stores) -> None:
    for calls, older in ((1, 1), (2, DAYS - 2), (4, 0)):
        await called(stores, times=calls)
        await stores.let_calls_age(OWNER, older)
    spending = await stores.accounts.usage(OWNER)
    assert spending.days == (
        of_calls(spending, 0, 4),
        of_calls(spending, DAYS - 2, 2),
        of_calls(spending, DAYS - 1, 1),
    )
    await stores.let_calls_age(OWNER, 1)
    spending = await stores.accounts.usage(OWNER)
    assert spending.days == (of_calls(spending, 1, 4), of_calls(spending, DAYS - 1, 2))
    assert spending.spent(bounded=False) == 0


async def test_what_was_lost_is_there_as_it_was_estimated(stores: Stores) -> None:
    dead = (await opened(stores.turns, prompt_tokens=50)).lease
    await stores.turns.checkpoint(dead, "12345", 5)
    await stores.let_lease_expire(OWNER, dead.turn_id)
    await opened(stores.turns, dead.conversation_id)
    (day,) = (await stores.accounts.usage(OWNER)).days
    assert replace(day, day=day.day) == DaysCalls(day=day.day, calls=1, input_tokens=50, output_tokens=2)


async def test_however_many_processes_died_nothing_is_missing(stores: Stores) -> None:
    plenty = FairUse(daily_tokens=1_000_000)
    for _ in range(101):
        dead = (await opened(stores.turns, fair_use=plenty)).lease
        await stores.let_lease_expire(OWNER, dead.turn_id)
    spending = await stores.accounts.usage(OWNER)
    assert [day.calls for day in spending.days] == [101]
    assert spending.reserved == 0


async def test_tokens_of_however_many_dead_are_free_again_where_they_run_short(stores: Stores) -> None:
    times = 101
    enough = FairUse(daily_tokens=times * REPLY_ALLOWANCE)
    for _ in range(times):
        dead = (await opened(stores.turns, fair_use=enough)).lease
        await stores.let_lease_expire(OWNER, dead.turn_id)
    # As much as only all of them together had reserved.
    await opened(stores.turns, fair_use=enough, prompt_tokens=(times - 1) * REPLY_ALLOWANCE)
