"""Short ways to say what a test does with turns."""

from uuid import UUID, uuid4

from chatcore.errors import Failure
from chatcore.ports.language_model import ModelCall
from chatcore.ports.turn_store import (
    Broken,
    Claim,
    Completed,
    Lease,
    Occupied,
    Opened,
    Opening,
    Stopped,
    TurnStore,
)
from chatcore.turn import Turn, Usage

OWNER = "alice"
USAGE = Usage(input_tokens=7, output_tokens=11)
ANSWER = Completed(text="An answer", usage=USAGE, model="a model")
FOR_NOW = Broken(failure=Failure(code="model-unavailable", retryable=True))
FOR_GOOD = Broken(failure=Failure(code="model-refused", retryable=False))
IN_MID_SPEECH = Stopped(text="An ans", usage=USAGE)
BEFORE_A_WORD = Stopped(text="", usage=USAGE)
GIVEN_UP = Failure(code="attempts-exhausted", retryable=False)
CALL = ModelCall(model="a model", usage=USAGE, outcome="ok", seconds=0.5, first_token_seconds=0.1)


def claim(seconds: float = 30.0) -> Claim:
    return Claim(token=uuid4(), seconds=seconds)


def opening(conversation_id: UUID | None = None, **wishes: object) -> Opening:
    """Return a question, in a new conversation unless one is named; `wishes` are its other fields."""
    fields: dict[str, object] = {
        "owner": OWNER,
        "conversation_id": conversation_id or uuid4(),
        "new_conversation": conversation_id is None,
        "turn_id": uuid4(),
        "question_id": uuid4(),
        "reply_id": uuid4(),
        "question": "A question",
        "selected_text": None,
        "title": "A title",
        "key": None,
        "fingerprint": b"f" * 32,
        "replaces": None,
        "window": 5,
        "claim": claim(),
    }
    return Opening(**(fields | wishes))  # type: ignore[arg-type]  # a test may wish for anything


async def opened(turns: TurnStore, conversation_id: UUID | None = None, **wishes: object) -> Opened:
    """Begin a turn that nothing stands in the way of."""
    answer = await turns.begin(opening(conversation_id, **wishes))
    assert isinstance(answer, Opened), answer
    return answer


async def answered(
    turns: TurnStore, conversation_id: UUID | None = None, *, text: str = "An answer", **wishes: object
) -> Turn:
    """Begin a turn and complete it."""
    begun = await opened(turns, conversation_id, **wishes)
    return await turns.finish(begun.lease, Completed(text=text, usage=USAGE, model="a model"), [])


async def taken_over(turns: TurnStore, lease: Lease) -> Lease:
    """Begin the next attempt of a turn that allows it."""
    answer = await turns.take_over(lease.owner, lease.turn_id, claim(), 5)
    assert isinstance(answer, Opened), answer
    return answer.lease


async def begun_in_its_turn(turns: TurnStore, wish: Opening) -> Opened:
    """Begin a turn as soon as the conversation is free."""
    while True:
        answer = await turns.begin(wish)
        if isinstance(answer, Opened):
            return answer
        assert isinstance(answer, Occupied), answer
