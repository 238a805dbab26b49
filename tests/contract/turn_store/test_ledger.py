"""Every call of a provider has one line in the ledger, whatever became of the turn that made it."""

from dataclasses import replace
from uuid import uuid4

import pytest

from chatcore.errors import ChatError, LeaseLost
from chatcore.fair_use import FairUse, Limit, Rate
from chatcore.ports.turn_store import Opened, Opening
from tests.contract.stores import Stores
from tests.contract.turns import (
    ANSWER,
    CALL,
    FOR_NOW,
    GIVEN_UP,
    IN_MID_SPEECH,
    OWNER,
    USAGE,
    claim,
    opened,
    opening,
    taken_over,
)

pytestmark = pytest.mark.anyio
FAILED = replace(CALL, outcome="model-failed", usage=replace(USAGE, output_tokens=0, estimated=True))
OK_LINE = (1, 7, 11, False, "ok")
FAILED_LINE = (1, 7, 0, True, "model-failed")
LOST_LINE = (1, 50, 2, True, "lost")


async def test_failed_and_repeated_calls_have_lines_of_their_own(stores: Stores) -> None:
    lease = (await opened(stores.turns)).lease
    await stores.turns.finish(lease, ANSWER, [FAILED, FAILED, CALL])
    assert await stores.ledger(OWNER) == [FAILED_LINE, FAILED_LINE, OK_LINE]


async def test_the_calls_of_every_attempt_are_told_apart(stores: Stores) -> None:
    lease = (await opened(stores.turns)).lease
    await stores.turns.finish(lease, FOR_NOW, [FAILED])
    await stores.turns.finish(await taken_over(stores.turns, lease), IN_MID_SPEECH, [CALL])
    assert await stores.ledger(OWNER) == [FAILED_LINE, (2, *OK_LINE[1:])]


async def test_who_gives_a_turn_back_leaves_its_calls_once(stores: Stores) -> None:
    lease = (await opened(stores.turns)).lease
    for _ in range(2):
        await stores.turns.release(lease, [FAILED, CALL])
    assert await stores.ledger(OWNER) == [FAILED_LINE, OK_LINE]
    await taken_over(stores.turns, lease)
    assert await stores.ledger(OWNER) == [FAILED_LINE, OK_LINE]


async def died(stores: Stores, wish: Opening) -> None:
    """Begin a turn, say something, and die."""
    begun = await stores.turns.begin(replace(wish, prompt_tokens=50))
    assert isinstance(begun, Opened)
    await stores.turns.checkpoint(begun.lease, "12345", 5)
    await stores.let_lease_expire(OWNER, wish.turn_id)


@pytest.mark.parametrize(
    "discovered_by", ["the next question", "a takeover", "giving up", "deletion", "the account"]
)
async def test_an_attempt_that_died_leaves_one_estimated_line(stores: Stores, discovered_by: str) -> None:
    wish = opening()
    await died(stores, wish)
    match discovered_by:
        case "the next question":
            await opened(stores.turns, wish.conversation_id)
        case "a takeover":
            await stores.turns.take_over(OWNER, wish.turn_id, claim(), 5)
        case "giving up":
            await stores.turns.give_up(OWNER, wish.turn_id, GIVEN_UP)
        case "the account":
            await stores.accounts.usage(OWNER)
        case _:
            await stores.conversations.delete(OWNER, wish.conversation_id)
    assert await stores.ledger(OWNER) == [LOST_LINE]


async def test_looking_at_the_dead_writes_nothing(stores: Stores) -> None:
    wish = opening()
    await died(stores, wish)
    await stores.turns.look(OWNER, wish.turn_id)
    assert await stores.ledger(OWNER) == []


async def test_what_was_discovered_is_not_written_off_twice(stores: Stores) -> None:
    wish = opening()
    await died(stores, wish)
    begun = await opened(stores.turns, wish.conversation_id)
    await stores.turns.finish(begun.lease, ANSWER, [])
    await stores.turns.take_over(OWNER, wish.turn_id, claim(), 5)
    assert await stores.ledger(OWNER) == [LOST_LINE]


async def test_who_was_written_off_and_comes_back_adds_only_what_nobody_knew(stores: Stores) -> None:
    lease = (await opened(stores.turns, prompt_tokens=50)).lease
    await stores.turns.checkpoint(lease, "12345", 5)
    await stores.let_lease_expire(OWNER, lease.turn_id)
    await stores.turns.take_over(OWNER, lease.turn_id, claim(), 5)
    with pytest.raises(LeaseLost):
        await stores.turns.finish(lease, ANSWER, [FAILED, CALL])
    for _ in range(2):
        await stores.turns.bill(lease, [FAILED, CALL])
    assert await stores.ledger(OWNER) == [LOST_LINE, OK_LINE]


async def test_a_turn_that_was_deleted_while_it_ran_is_billed_by_whoever_ran_it(stores: Stores) -> None:
    lease = (await opened(stores.turns)).lease
    await stores.conversations.delete(OWNER, lease.conversation_id)
    assert await stores.ledger(OWNER) == []
    for _ in range(2):
        await stores.turns.bill(lease, [FAILED, CALL])
    assert await stores.ledger(OWNER) == [FAILED_LINE, OK_LINE]


@pytest.mark.parametrize("refused", ["no conversation", "no turn", "address"])
async def test_whoever_is_refused_is_not_known_by_that(stores: Stores, refused: str) -> None:
    where = Limit(subject="@192.0.2.1", rate=Rate(requests=1, seconds=3600))
    await stores.turns.begin(opening(owner="somebody else", fair_use=FairUse(address=where)))
    wishes: dict[str, dict[str, object]] = {
        "no conversation": {"new_conversation": False},
        "no turn": {"replaces": uuid4()},
        "address": {"fair_use": FairUse(address=where)},
    }
    with pytest.raises(ChatError):
        await stores.turns.begin(opening(None, **wishes[refused]))
    assert not await stores.accounts.erase(OWNER)


async def test_of_an_owner_whom_nobody_knows_nothing_is_kept(stores: Stores) -> None:
    lease = (await opened(stores.turns)).lease
    await stores.turns.bill(replace(lease, owner="nobody"), [CALL])
    assert await stores.ledger("nobody") == []
