"""Many at once are as one after the other."""

import asyncio
from collections import Counter
from dataclasses import replace
from uuid import uuid4

import pytest

from chatcore.errors import ConversationNotFound, LeaseLost
from chatcore.ports.turn_store import KeyTaken, Occupied, Opened
from chatcore.turn import TurnStatus
from tests.contract.stores import Stores
from tests.contract.turns import (
    ANSWER,
    OWNER,
    answered,
    begun_in_its_turn,
    claim,
    opened,
    opening,
    taken_over,
)

pytestmark = pytest.mark.anyio
MANY = 16


@pytest.mark.parametrize("conversation", ["the same", "one each"])
async def test_of_many_first_questions_under_one_key_one_is_recorded(stores: Stores, conversation: str) -> None:
    shared = uuid4()
    wishes = [
        opening(shared if conversation == "the same" else uuid4(), new_conversation=True, key="k")
        for _ in range(MANY)
    ]
    answers = await asyncio.gather(*map(stores.turns.begin, wishes))
    assert Counter(map(type, answers)) == {Opened: 1, KeyTaken: MANY - 1}
    (first,) = (answer for answer in answers if isinstance(answer, Opened))
    assert {answer.turn.id for answer in answers if isinstance(answer, KeyTaken)} == {first.lease.turn_id}
    rows = await stores.rows(OWNER)
    assert (rows["conversation"], rows["turn"], rows["message"]) == (1, 1, 1)


async def test_of_many_questions_under_one_key_one_is_recorded_and_answered_once(stores: Stores) -> None:
    earlier = await answered(stores.turns)

    async def ask() -> bool:
        answer = await stores.turns.begin(opening(earlier.conversation_id, key="k"))
        if isinstance(answer, Opened):
            await stores.turns.finish(answer.lease, ANSWER, [])
        return isinstance(answer, Opened)

    assert sum(await asyncio.gather(*(ask() for _ in range(MANY)))) == 1
    assert (await stores.rows(OWNER))["message"] == 4


async def test_of_many_first_questions_in_one_conversation_one_is_recorded(stores: Stores) -> None:
    shared = uuid4()
    wishes = [opening(shared, new_conversation=True) for _ in range(MANY)]
    answers = await asyncio.gather(*map(stores.turns.begin, wishes))
    assert Counter(map(type, answers)) == {Opened: 1, Occupied: MANY - 1}


async def test_many_repetitions_of_one_claim_are_all_answered_alike(stores: Stores) -> None:
    wish = opening(key="k")
    answers = await asyncio.gather(*(stores.turns.begin(wish) for _ in range(MANY)))
    assert all(answer == answers[0] for answer in answers)
    assert isinstance(answers[0], Opened)
    assert (await stores.rows(OWNER))["turn"] == 1


async def test_turns_sent_at_once_are_numbered_without_gaps_and_alternate(stores: Stores) -> None:
    earlier = await answered(stores.turns)

    async def ask(name: str) -> int:
        begun = await begun_in_its_turn(stores.turns, opening(earlier.conversation_id, question=f"{name}?"))
        turn = await stores.turns.finish(begun.lease, replace(ANSWER, text=f"{name}!"), [])
        return turn.number

    numbers = await asyncio.gather(*(ask(str(number)) for number in range(MANY)))
    assert sorted(numbers) == list(range(2, MANY + 2))
    page = await stores.conversations.messages(
        OWNER, earlier.conversation_id, limit=100, before=None, replaced=False
    )
    said = [message.content for message in page.entries[2:]]
    assert [question[:-1] for question in said[::2]] == [answer[:-1] for answer in said[1::2]]
    assert all(question.endswith("?") for question in said[::2])


async def test_of_many_takeovers_one_succeeds(stores: Stores) -> None:
    lease = (await opened(stores.turns)).lease
    await stores.turns.release(lease)
    answers = await asyncio.gather(
        *(stores.turns.take_over(OWNER, lease.turn_id, claim(), 5) for _ in range(MANY))
    )
    assert Counter(map(type, answers)) == {Opened: 1, KeyTaken: MANY - 1}
    turn = await stores.turns.look(OWNER, lease.turn_id)
    assert (turn.status, turn.attempt) == (TurnStatus.PENDING, 2)


async def test_a_turn_is_taken_over_or_completed_and_never_both(stores: Stores) -> None:
    for _ in range(MANY):
        lease = (await opened(stores.turns)).lease
        await stores.turns.release(lease)
        second = await taken_over(stores.turns, lease)
        await stores.turns.release(second)
        third, ended = await asyncio.gather(
            stores.turns.take_over(OWNER, lease.turn_id, claim(), 5),
            stores.turns.finish(second, ANSWER, []),
            return_exceptions=True,
        )
        assert isinstance(ended, LeaseLost)
        assert isinstance(third, Opened)


async def test_of_a_takeover_and_the_next_question_one_goes_first(stores: Stores) -> None:
    for _ in range(MANY):
        lease = (await opened(stores.turns)).lease
        await stores.turns.release(lease)
        answers = await asyncio.gather(
            stores.turns.take_over(OWNER, lease.turn_id, claim(), 5),
            stores.turns.begin(opening(lease.conversation_id)),
        )
        assert Counter(map(type, answers)) == {Opened: 1, Occupied: 1}


async def test_a_turn_that_is_deleted_while_it_ends_leaves_nothing_behind(stores: Stores) -> None:
    for _ in range(MANY):
        lease = (await opened(stores.turns)).lease
        await stores.turns.checkpoint(lease, "half", 4)
        await asyncio.gather(
            stores.turns.finish(lease, ANSWER, []),
            stores.turns.checkpoint(lease, "more", 8),
            stores.conversations.delete(OWNER, lease.conversation_id),
            return_exceptions=True,
        )
        with pytest.raises(ConversationNotFound):
            await stores.conversations.find(OWNER, lease.conversation_id)
    assert set((await stores.rows(OWNER)).values()) == {0}


async def test_two_owners_at_once_never_meet(stores: Stores) -> None:
    conversation_id = uuid4()
    owners = [f"owner-{number}" for number in range(MANY)]
    wishes = [opening(conversation_id, new_conversation=True, owner=owner, key="k") for owner in owners]
    answers = await asyncio.gather(*map(stores.turns.begin, wishes))
    assert Counter(map(type, answers)) == {Opened: MANY}
    assert [(await stores.rows(owner))["turn"] for owner in owners] == [1] * MANY
