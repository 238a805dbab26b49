"""A turn ends once, in one of four ways."""

from dataclasses import replace

import pytest

from chatcore.conversation import Role
from chatcore.errors import Failure
from chatcore.events import Position
from chatcore.ports.turn_store import Outcome
from chatcore.turn import TurnStatus, Usage
from tests.contract.stores import Stores
from tests.contract.turns import (
    ANSWER,
    BEFORE_A_WORD,
    CALL,
    FOR_NOW,
    IN_MID_SPEECH,
    OWNER,
    USAGE,
    answered,
    claim,
    opened,
    opening,
    taken_over,
)

pytestmark = pytest.mark.anyio
OUTCOMES = [ANSWER, FOR_NOW, IN_MID_SPEECH, BEFORE_A_WORD]


async def test_a_completed_turn_has_its_whole_reply(stores: Stores) -> None:
    wish = opening()
    lease = (await opened(stores.turns, **{f: getattr(wish, f) for f in ("turn_id", "reply_id")})).lease
    await stores.turns.checkpoint(lease, "An ", 3)
    turn = await stores.turns.finish(lease, ANSWER, [])
    assert (turn.status, turn.usage, turn.failure, turn.attempt) == (TurnStatus.COMPLETED, USAGE, None, 1)
    assert turn.reply is not None
    assert (turn.reply.id, turn.reply.turn_id) == (wish.reply_id, wish.turn_id)
    assert (turn.reply.role, turn.reply.content) == (Role.ASSISTANT, "An answer")
    assert turn.reply.created_at >= turn.created_at
    assert await stores.turns.look(OWNER, turn.id) == turn


async def test_a_failed_turn_has_its_failure_and_no_reply(stores: Stores) -> None:
    lease = (await opened(stores.turns)).lease
    await stores.turns.checkpoint(lease, "half", 4)
    turn = await stores.turns.finish(lease, FOR_NOW, [])
    assert (turn.status, turn.reply, turn.usage) == (TurnStatus.FAILED, None, None)
    assert turn.failure == Failure(code="model-unavailable", retryable=True)
    assert await stores.turns.look(OWNER, turn.id) == turn


async def test_a_cancelled_turn_has_what_was_said(stores: Stores) -> None:
    lease = (await opened(stores.turns)).lease
    turn = await stores.turns.finish(lease, IN_MID_SPEECH, [])
    assert (turn.status, turn.usage) == (TurnStatus.CANCELLED, USAGE)
    assert turn.reply is not None
    assert turn.reply.content == "An ans"
    assert await stores.turns.look(OWNER, turn.id) == turn


async def test_a_cancelled_turn_with_nothing_said_has_no_reply(stores: Stores) -> None:
    lease = (await opened(stores.turns)).lease
    turn = await stores.turns.finish(lease, BEFORE_A_WORD, [])
    assert (turn.status, turn.reply) == (TurnStatus.CANCELLED, None)
    assert (await stores.rows(OWNER))["message"] == 1


@pytest.mark.parametrize("outcome", OUTCOMES)
async def test_its_checkpoints_are_gone(stores: Stores, outcome: Outcome) -> None:
    lease = (await opened(stores.turns)).lease
    await stores.turns.checkpoint(lease, "half", 4)
    await stores.turns.finish(lease, outcome, [])
    assert (await stores.rows(OWNER))["turn_chunk"] == 0
    assert (await stores.turns.follow(OWNER, lease.turn_id, Position(attempt=1, offset=0))).text == ""


@pytest.mark.parametrize("outcome", OUTCOMES)
async def test_a_turn_that_ended_leaves_its_conversation_free(stores: Stores, outcome: Outcome) -> None:
    lease = (await opened(stores.turns)).lease
    await stores.turns.finish(lease, outcome, [])
    assert (await opened(stores.turns, lease.conversation_id)).lease.attempt == 1


@pytest.mark.parametrize("outcome", OUTCOMES)
async def test_a_lost_answer_may_be_asked_for_again(stores: Stores, outcome: Outcome) -> None:
    lease = (await opened(stores.turns)).lease
    first = await stores.turns.finish(lease, outcome, [CALL])
    before = await stores.rows(OWNER)
    assert await stores.turns.finish(lease, outcome, [CALL]) == first
    assert await stores.rows(OWNER) == before


async def test_what_is_recorded_stays_whatever_the_second_answer_says(stores: Stores) -> None:
    lease = (await opened(stores.turns)).lease
    first = await stores.turns.finish(lease, ANSWER, [])
    assert await stores.turns.finish(lease, FOR_NOW, []) == first
    assert await stores.turns.finish(lease, replace(ANSWER, text="Another"), []) == first


async def test_a_lost_answer_may_be_asked_for_again_after_the_next_turn(stores: Stores) -> None:
    lease = (await opened(stores.turns)).lease
    first = await stores.turns.finish(lease, ANSWER, [])
    await opened(stores.turns, lease.conversation_id)
    assert await stores.turns.finish(lease, ANSWER, []) == first


async def test_the_conversation_is_touched(stores: Stores) -> None:
    lease = (await opened(stores.turns)).lease
    before = await stores.conversations.find(OWNER, lease.conversation_id)
    turn = await stores.turns.finish(lease, ANSWER, [])
    after = await stores.conversations.find(OWNER, lease.conversation_id)
    assert turn.reply is not None
    assert before.updated_at < after.updated_at == turn.reply.created_at
    assert replace(after, updated_at=before.updated_at) == before


async def test_each_call_of_a_provider_goes_into_the_ledger(stores: Stores) -> None:
    lease = (await opened(stores.turns)).lease
    failed = replace(CALL, outcome="model-unavailable", first_token_seconds=None, model='a "quoted" model')
    await stores.turns.finish(lease, ANSWER, [failed, CALL])
    assert (await stores.rows(OWNER))["model_call"] == 2


async def test_the_ledger_keeps_the_calls_of_every_attempt(stores: Stores) -> None:
    lease = (await opened(stores.turns)).lease
    await stores.turns.finish(lease, FOR_NOW, [CALL])
    again = await taken_over(stores.turns, lease)
    await stores.turns.finish(again, ANSWER, [CALL])
    assert (await stores.rows(OWNER))["model_call"] == 2


async def test_the_ledger_outlives_the_conversation(stores: Stores) -> None:
    lease = (await opened(stores.turns)).lease
    await stores.turns.finish(lease, ANSWER, [CALL])
    await stores.conversations.delete(OWNER, lease.conversation_id)
    assert await stores.rows(OWNER) == {
        "conversation": 0,
        "turn": 0,
        "message": 0,
        "turn_chunk": 0,
        "model_call": 1,
    }


async def test_an_estimated_usage_stays_estimated(stores: Stores) -> None:
    lease = (await opened(stores.turns)).lease
    usage = Usage(input_tokens=2**40, output_tokens=0, estimated=True)
    await stores.turns.finish(lease, replace(ANSWER, usage=usage), [])
    assert (await stores.turns.look(OWNER, lease.turn_id)).usage == usage


async def test_the_second_attempt_answers_with_the_same_reply_id(stores: Stores) -> None:
    wish = opening(claim=claim())
    lease = (await opened(stores.turns, turn_id=wish.turn_id, reply_id=wish.reply_id)).lease
    await stores.turns.release(lease)
    turn = await stores.turns.finish(await taken_over(stores.turns, lease), ANSWER, [])
    assert turn.reply is not None
    assert turn.reply.id == wish.reply_id


async def test_question_and_reply_alternate(stores: Stores) -> None:
    first = await answered(stores.turns, question="a", text="A")
    failed = await opened(stores.turns, first.conversation_id, question="b")
    await stores.turns.finish(failed.lease, FOR_NOW, [])
    await answered(stores.turns, first.conversation_id, question="c", text="C")
    await stores.turns.finish(await taken_over(stores.turns, failed.lease), replace(ANSWER, text="B"), [])
    page = await stores.conversations.messages(
        OWNER, first.conversation_id, limit=9, before=None, replaced=False
    )
    assert [message.content for message in page.entries] == list("aAbBcC")
