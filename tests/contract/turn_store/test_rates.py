"""So many questions of an owner, and from an address, are recorded in a while; all others cost nothing."""

import asyncio
from collections import Counter
from uuid import uuid4

import pytest

from chatcore.errors import ConversationNotFound, RateLimited, TurnNotFound
from chatcore.fair_use import FairUse, Limit, Rate
from chatcore.ports.turn_store import KeyTaken, Occupied, Opened, Opening
from tests.contract.stores import Stores
from tests.contract.turns import OWNER, answered, opened, opening

pytestmark = pytest.mark.anyio
THREE = Rate(requests=3, seconds=60)
FEW = FairUse(rate=THREE)
THERE = Limit(subject="@203.0.113.7", rate=THREE)
FROM_THERE = FairUse(rate=Rate(requests=100, seconds=60), address=THERE)


async def refused(stores: Stores, wish: Opening) -> float:
    """Begin a turn that a rate refuses, and return for how long."""
    before = await stores.rows(wish.owner)
    with pytest.raises(RateLimited) as error:
        await stores.turns.begin(wish)
    assert await stores.rows(wish.owner) == before
    assert error.value.retry_after is not None
    return error.value.retry_after


async def test_as_many_are_recorded_as_the_rate_says_and_nothing_of_the_next(stores: Stores) -> None:
    for _ in range(3):
        await opened(stores.turns, fair_use=FEW)
    assert 18 < await refused(stores, opening(fair_use=FEW)) <= 20


async def test_what_is_left_is_told(stores: Stores) -> None:
    for remaining, reset in [(2, 20), (1, 40), (0, 60)]:
        left = (await opened(stores.turns, fair_use=FEW)).allowance
        assert left is not None
        assert (left.limit, left.remaining) == (3, remaining)
        assert reset - 1 < left.reset <= reset
    assert (await opened(stores.turns)).allowance is None


async def test_after_a_while_there_is_room_for_one_more(stores: Stores) -> None:
    for _ in range(3):
        await opened(stores.turns, fair_use=FEW)
    await stores.let_rate_recover(OWNER, 20)
    await opened(stores.turns, fair_use=FEW)
    await refused(stores, opening(fair_use=FEW))
    await stores.let_rate_recover(OWNER, 3600)
    for _ in range(3):
        await opened(stores.turns, fair_use=FEW)
    await refused(stores, opening(fair_use=FEW))


async def test_the_owners_of_an_address_share_its_rate(stores: Stores) -> None:
    for owner in ("alice", "bob", "~carol"):
        await opened(stores.turns, owner=owner, fair_use=FROM_THERE)
    await refused(stores, opening(owner="dave", fair_use=FROM_THERE))
    elsewhere = FairUse(rate=FROM_THERE.rate, address=Limit(subject="@203.0.113.8", rate=THREE))
    await opened(stores.turns, owner="dave", fair_use=elsewhere)


async def test_a_question_that_the_address_may_not_ask_is_not_counted_of_its_owner(stores: Stores) -> None:
    for _ in range(3):
        await opened(stores.turns, owner="bob", fair_use=FROM_THERE)
    both = FairUse(rate=THREE, address=THERE)
    for _ in range(5):
        await refused(stores, opening(fair_use=both))
    allowance = (await opened(stores.turns, fair_use=FEW)).allowance
    assert allowance is not None
    assert allowance.remaining == 2


async def test_what_was_asked_before_costs_nothing(stores: Stores) -> None:
    first = opening(key="k", fair_use=FEW)
    for _ in range(5):
        assert isinstance(await stores.turns.begin(first), Opened)
    for _ in range(5):
        assert isinstance(await stores.turns.begin(opening(key="k", fair_use=FEW)), KeyTaken)
    allowance = (await opened(stores.turns, fair_use=FEW)).allowance
    assert allowance is not None
    assert allowance.remaining == 1


async def test_what_was_asked_before_is_told_also_when_nothing_is_left(stores: Stores) -> None:
    wishes = [opening(key=key, fair_use=FEW) for key in "abc"]
    for wish in wishes:
        await stores.turns.begin(wish)
    assert isinstance(await stores.turns.begin(wishes[0]), Opened)
    assert isinstance(await stores.turns.begin(opening(key="a", fair_use=FEW)), KeyTaken)


@pytest.mark.parametrize("obstacle", ["no conversation", "no turn", "busy"])
async def test_what_is_refused_otherwise_costs_nothing(stores: Stores, obstacle: str) -> None:
    earlier = await answered(stores.turns)
    live = await opened(stores.turns)
    bounds = FairUse(rate=THREE, address=THERE)
    for _ in range(5):
        match obstacle:
            case "no conversation":
                with pytest.raises(ConversationNotFound):
                    await stores.turns.begin(opening(uuid4(), fair_use=bounds))
            case "no turn":
                with pytest.raises(TurnNotFound):
                    await stores.turns.begin(
                        opening(earlier.conversation_id, replaces=uuid4(), fair_use=bounds)
                    )
            case _:
                answer = await stores.turns.begin(opening(live.lease.conversation_id, fair_use=bounds))
                assert isinstance(answer, Occupied)
    for _ in range(3):
        await opened(stores.turns, fair_use=bounds)


async def at_once(stores: Stores, wishes: list[Opening]) -> Counter[str]:
    answers = await asyncio.gather(*map(stores.turns.begin, wishes), return_exceptions=True)
    return Counter(type(answer).__name__ for answer in answers)


@pytest.mark.parametrize("requests", [1, 7, 40, 100])
async def test_of_many_at_once_exactly_so_many_are_recorded(stores: Stores, requests: int) -> None:
    bounds = FairUse(rate=Rate(requests=requests, seconds=86_400))
    found = await at_once(stores, [opening(fair_use=bounds) for _ in range(120)])
    assert found == {"Opened": requests, "RateLimited": 120 - requests}
    await refused(stores, opening(fair_use=bounds))


@pytest.mark.parametrize("requests", [1, 40, 100])
async def test_of_many_at_once_from_one_address_exactly_so_many_are_recorded(
    stores: Stores, requests: int
) -> None:
    bounds = FairUse(
        rate=Rate(requests=50, seconds=60),
        address=Limit(subject=THERE.subject, rate=Rate(requests=requests, seconds=86_400)),
    )
    wishes = [opening(owner=f"user{number % 5}", fair_use=bounds) for number in range(120)]
    assert await at_once(stores, wishes) == {"Opened": requests, "RateLimited": 120 - requests}


async def test_many_at_once_within_the_rate_are_all_recorded(stores: Stores) -> None:
    bounds = FairUse(rate=Rate(requests=1200, seconds=60))
    assert await at_once(stores, [opening(fair_use=bounds) for _ in range(64)]) == {"Opened": 64}
    allowance = (await opened(stores.turns, fair_use=bounds)).allowance
    assert allowance is not None
    assert 1100 <= allowance.remaining < 1200


async def test_of_many_under_one_key_one_is_counted(stores: Stores) -> None:
    await at_once(stores, [opening(key="k", fair_use=FEW) for _ in range(16)])
    allowance = (await opened(stores.turns, fair_use=FEW)).allowance
    assert allowance is not None
    assert allowance.remaining == 1


async def test_a_takeover_is_not_limited(stores: Stores) -> None:
    bounds = FairUse(rate=Rate(requests=1, seconds=60))
    lease = (await opened(stores.turns, fair_use=bounds)).lease
    for number in range(2, 5):
        await stores.turns.release(lease)
        answer = await stores.turns.take_over(OWNER, lease.turn_id, opening().claim, 5)
        assert isinstance(answer, Opened)
        lease = answer.lease
        assert lease.attempt == number
