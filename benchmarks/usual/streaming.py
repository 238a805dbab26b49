"""A turn of the usual stack as server-sent events, its answer stored when the last delta is out."""

import json
from collections.abc import AsyncIterator, Mapping

from openai import AsyncOpenAI
from openai.types.chat import ChatCompletionMessageParam
from sqlalchemy.ext.asyncio import AsyncSession

from benchmarks.usual.chat import finish
from benchmarks.usual.models import Conversation
from benchmarks.usual.schemas import Reply


async def events(
    session: AsyncSession,
    client: AsyncOpenAI,
    model: str,
    conversation: Conversation,
    prompt: list[ChatCompletionMessageParam],
    accepted: Mapping[str, str],
) -> AsyncIterator[str]:
    """Yield the events of one turn."""
    yield _event("turn.accepted", accepted)
    parts: list[str] = []
    stream = await client.chat.completions.create(model=model, messages=prompt, stream=True)
    async for chunk in stream:
        if chunk.choices and (text := chunk.choices[0].delta.content):
            parts.append(text)
            yield _event("delta", {"text": text})
    message = await finish(session, conversation, "".join(parts))
    yield _event(
        "done", {"message": Reply.model_validate(message, from_attributes=True).model_dump(mode="json")}
    )


def _event(name: str, data: Mapping[str, object]) -> str:
    return f"event: {name}\ndata: {json.dumps(data)}\n\n"
