"""A turn on the ORM: the question stored, the model asked without a connection held, the answer stored."""

from datetime import UTC, datetime
from uuid import UUID

from openai.types.chat import ChatCompletionMessageParam
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from benchmarks.usual.models import Conversation, Message

INSTRUCTIONS = (
    "You are the assistant of the textbook Physical AI & Humanoid Robotics. Answer briefly and truthfully."
)
HISTORY = 10


async def begin(
    session: AsyncSession,
    owner_id: str | None,
    conversation_id: UUID | None,
    question: str,
) -> tuple[Conversation, list[ChatCompletionMessageParam]]:
    """Store the question, and return its conversation and the prompt.

    The commit gives the connection back to the pool: none is held while the model speaks.
    """
    conversation = await session.get(Conversation, conversation_id) if conversation_id else None
    if conversation is None or conversation.owner_id != owner_id:
        conversation = Conversation(owner_id=owner_id)
        session.add(conversation)
        await session.flush()
    newest_first = await session.scalars(
        select(Message)
        .where(Message.conversation_id == conversation.id)
        .order_by(Message.created_at.desc())
        .limit(HISTORY),
    )
    prompt = [
        _param("system", INSTRUCTIONS),
        *(_param(message.role, message.content) for message in reversed(newest_first.all())),
        _param("user", question),
    ]
    session.add(Message(conversation_id=conversation.id, role="user", content=question))
    await session.commit()
    return conversation, prompt


async def finish(session: AsyncSession, conversation: Conversation, answer: str) -> Message:
    """Store the answer and touch the conversation."""
    message = Message(conversation_id=conversation.id, role="assistant", content=answer)
    session.add(message)
    conversation.updated_at = datetime.now(UTC)
    await session.commit()
    return message


def _param(role: str, content: str) -> ChatCompletionMessageParam:
    match role:
        case "system":
            return {"role": "system", "content": content}
        case "assistant":
            return {"role": "assistant", "content": content}
        case _:
            return {"role": "user", "content": content}
