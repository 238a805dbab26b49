"""What an owner may spend in a day is reserved when a question is recorded, and settled when it is answered."""

import asyncio
from collections import Counter
from dataclasses import replace

import pytest

from chatcore.errors import TokenBudgetExhausted
from chatcore.fair_use import REPLY_ALLOWANCE, FairUse, Rate
from chatcore.ports.turn_store import Completed, KeyTaken, Opened, Outcome
from chatcore.turn import Usage
from tests.contract.stores import Stores
from tests.contract.turns import (
    ANSWER,
    BEFORE_A_WORD,
    CALL,
    FOR_NOW,
    GIVEN_UP,
    IN_MID_SPEECH,
    OWNER,
    claim,
    opened,
    opening,
    taken_over,
)

pytestmark = pytest.mark.anyio
BUDGET = FairUse(daily_tokens=10_000)
COST = CALL.usage.input_tokens + CALL.usage.output_tokens
DEAR = replace(CALL, usage=Usage(input_tokens=9_000, output_tokens=1_000))


def within(tokens: int) -> FairUse:
    return FairUse(daily_tokens=tokens)


async def spent(stores: Stores, tokens: int) -> None:
    """Spend tokens of the day."""
    lease = (await opened(stores.turns, fair_use=BUDGET)).lease
    call = replace(CALL, usage=Usage(input_tokens=tokens, output_tokens=0))
    await stores.turns.finish(lease, ANSWER, [call])


async def test_the_prompt_and_an_allowance_for_the_reply_are_reserved(stores: Stores) -> None:
    await opened(stores.turns, fair_use=BUDGET, prompt_tokens=50)
    assert await stores.tokens_today(OWNER) == (50 + REPLY_ALLOWANCE, 0)
    await opened(stores.turns, fair_use=BUDGET, prompt_tokens=7)
    assert await stores.tokens_today(OWNER) == (57 + 2 * REPLY_ALLOWANCE, 0)


async def test_without_a_budget_nothing_is_reserved(stores: Stores) -> None:
    lease = (await opened(stores.turns, prompt_tokens=50)).lease
    await stores.turns.finish(lease, ANSWER, [CALL])
    assert await stores.tokens_today(OWNER) == (0, 0)


@pytest.mark.parametrize("outcome", [ANSWER, FOR_NOW, IN_MID_SPEECH, BEFORE_A_WORD])
async def test_what_it_has_cost_takes_the_place_of_what_was_reserved(stores: Stores, outcome: Outcome) -> None:
    lease = (await opened(stores.turns, fair_use=BUDGET, prompt_tokens=50)).lease
    await stores.turns.finish(lease, outcome, [CALL, CALL])
    assert await stores.tokens_today(OWNER) == (0, 2 * COST)
    await stores.turns.finish(lease, outcome, [CALL, CALL])
    assert await stores.tokens_today(OWNER) == (0, 2 * COST)


async def test_who_is_given_back_is_settled_with_what_it_has_cost_so_far(stores: Stores) -> None:
    lease = (await opened(stores.turns, fair_use=BUDGET)).lease
    for _ in range(2):
        await stores.turns.release(lease, [CALL])
        assert await stores.tokens_today(OWNER) == (0, COST)


async def test_the_last_turn_of_the_conversation_is_part_of_the_next_prompt(stores: Stores) -> None:
    first = (await opened(stores.turns, fair_use=BUDGET)).lease
    usage = Usage(input_tokens=300, output_tokens=200)
    await stores.turns.finish(first, Completed(text="Long", usage=usage, model="m"), [])
    await opened(stores.turns, first.conversation_id, fair_use=BUDGET, prompt_tokens=5)
    assert await stores.tokens_today(OWNER) == (505 + REPLY_ALLOWANCE, 0)


async def test_a_selected_text_leaves_the_last_turn_out(stores: Stores) -> None:
    first = (await opened(stores.turns, fair_use=BUDGET)).lease
    usage = Usage(input_tokens=300, output_tokens=200)
    await stores.turns.finish(first, Completed(text="Long", usage=usage, model="m"), [])
    wishes = {"selected_text": "this", "fair_use": BUDGET, "prompt_tokens": 5}
    await opened(stores.turns, first.conversation_id, **wishes)
    assert await stores.tokens_today(OWNER) == (5 + REPLY_ALLOWANCE, 0)


async def test_what_is_spent_is_spent_until_midnight_and_nothing_is_written(stores: Stores) -> None:
    await spent(stores, 500)
    before = await stores.rows(OWNER)
    with pytest.raises(TokenBudgetExhausted, match=r"midnight UTC, in \d+ h \d+ min") as refused:
        await stores.turns.begin(opening(fair_use=within(500)))
    assert refused.value.retry_after == 60
    assert await stores.rows(OWNER) == before
    assert await stores.tokens_today(OWNER) == (0, 500)
    await opened(stores.turns, owner="bob", fair_use=within(500))


async def test_a_long_history_is_refused_before_anything_is_written(stores: Stores) -> None:
    first = (await opened(stores.turns)).lease
    usage = Usage(input_tokens=5_000, output_tokens=0)
    await stores.turns.finish(first, Completed(text="Long", usage=usage, model="m"), [])
    await opened(stores.turns, fair_use=BUDGET)
    before = await stores.rows(OWNER)
    wish = opening(
        first.conversation_id, fair_use=FairUse(daily_tokens=3_000, rate=Rate(requests=1, seconds=60))
    )
    with pytest.raises(TokenBudgetExhausted):
        await stores.turns.begin(wish)
    assert await stores.rows(OWNER) == before
    await opened(stores.turns, fair_use=FairUse(rate=Rate(requests=1, seconds=60)))


async def test_whoever_has_anything_left_may_ask_one_question(stores: Stores) -> None:
    await spent(stores, 499)
    lease = (await opened(stores.turns, fair_use=within(500), prompt_tokens=5_000)).lease
    with pytest.raises(TokenBudgetExhausted):
        await stores.turns.begin(opening(fair_use=within(500)))
    await stores.turns.finish(lease, FOR_NOW, [])
    await opened(stores.turns, fair_use=within(500))


async def test_of_sixteen_at_once_no_more_are_recorded_than_there_are_tokens_for(stores: Stores) -> None:
    for daily in (5 * REPLY_ALLOWANCE, 9 * REPLY_ALLOWANCE + 1):
        wishes = [opening(owner=f"owner {daily}", fair_use=within(daily)) for _ in range(16)]
        answers = await asyncio.gather(*map(stores.turns.begin, wishes), return_exceptions=True)
        most = daily // REPLY_ALLOWANCE
        assert Counter(type(answer).__name__ for answer in answers) == {
            "Opened": most,
            "TokenBudgetExhausted": 16 - most,
        }
        assert (await stores.tokens_today(f"owner {daily}"))[0] <= daily


async def test_sixteen_at_once_that_end_as_they_like_leave_nothing_reserved(stores: Stores) -> None:
    outcomes: list[Outcome] = [ANSWER, FOR_NOW, IN_MID_SPEECH, BEFORE_A_WORD]

    async def ask(number: int) -> int:
        begun = await stores.turns.begin(opening(fair_use=within(100_000)))
        assert isinstance(begun, Opened)
        await stores.turns.finish(begun.lease, outcomes[number % 4], [CALL] * (number % 3))
        return number % 3

    calls = await asyncio.gather(*map(ask, range(16)))
    assert await stores.tokens_today(OWNER) == (0, sum(calls) * COST)


async def test_what_was_asked_before_costs_nothing(stores: Stores) -> None:
    wish = opening(key="k", fair_use=within(REPLY_ALLOWANCE))
    await stores.turns.begin(wish)
    reserved = await stores.tokens_today(OWNER)
    assert isinstance(await stores.turns.begin(wish), Opened)
    assert isinstance(await stores.turns.begin(opening(key="k", fair_use=wish.fair_use)), KeyTaken)
    assert await stores.tokens_today(OWNER) == reserved


async def test_a_turn_that_died_is_settled_by_what_it_is_estimated_to_have_cost(stores: Stores) -> None:
    dead = (await opened(stores.turns, fair_use=BUDGET, prompt_tokens=50)).lease
    await stores.turns.checkpoint(dead, "12345", 5)
    await stores.let_lease_expire(OWNER, dead.turn_id)
    assert await stores.tokens_today(OWNER) == (50 + REPLY_ALLOWANCE, 0)
    await opened(stores.turns, dead.conversation_id)
    assert await stores.tokens_today(OWNER) == (0, 52)


async def test_what_the_dead_have_reserved_elsewhere_keeps_nobody_from_asking(stores: Stores) -> None:
    tight = within(2 * REPLY_ALLOWANCE)
    dead = [(await opened(stores.turns, fair_use=tight)).lease for _ in range(2)]
    with pytest.raises(TokenBudgetExhausted):
        await stores.turns.begin(opening(fair_use=tight))
    for lease in dead:
        await stores.let_lease_expire(OWNER, lease.turn_id)
    await opened(stores.turns, fair_use=tight)
    assert await stores.tokens_today(OWNER) == (REPLY_ALLOWANCE, 0)
    await opened(stores.turns, fair_use=tight)
    with pytest.raises(TokenBudgetExhausted):
        await stores.turns.begin(opening(fair_use=tight))


async def test_a_takeover_reserves_again_whatever_is_left(stores: Stores) -> None:
    lease = (await opened(stores.turns, fair_use=within(REPLY_ALLOWANCE))).lease
    await stores.turns.finish(lease, FOR_NOW, [DEAR])
    assert await stores.tokens_today(OWNER) == (0, 10_000)
    again = await taken_over(stores.turns, lease)
    assert await stores.tokens_today(OWNER) == (REPLY_ALLOWANCE, 10_000)
    await stores.turns.finish(again, ANSWER, [CALL])
    assert await stores.tokens_today(OWNER) == (0, 10_000 + COST)


async def test_a_takeover_of_the_dead_settles_the_attempt_that_died(stores: Stores) -> None:
    dead = (await opened(stores.turns, fair_use=BUDGET, prompt_tokens=50)).lease
    await stores.let_lease_expire(OWNER, dead.turn_id)
    await stores.turns.take_over(OWNER, dead.turn_id, claim(), 5)
    assert await stores.tokens_today(OWNER) == (50 + REPLY_ALLOWANCE, 50)


async def test_giving_up_the_dead_settles_it(stores: Stores) -> None:
    dead = (await opened(stores.turns, fair_use=BUDGET, prompt_tokens=50)).lease
    await stores.let_lease_expire(OWNER, dead.turn_id)
    for _ in range(2):
        await stores.turns.give_up(OWNER, dead.turn_id, GIVEN_UP)
        assert await stores.tokens_today(OWNER) == (0, 50)


async def test_a_deleted_conversation_has_nothing_reserved_any_more(stores: Stores) -> None:
    lease = (await opened(stores.turns, fair_use=BUDGET, prompt_tokens=50)).lease
    await stores.conversations.delete(OWNER, lease.conversation_id)
    assert await stores.tokens_today(OWNER) == (0, 0)
    for _ in range(2):
        await stores.turns.bill(lease, [CALL])
        assert await stores.tokens_today(OWNER) == (0, COST)
