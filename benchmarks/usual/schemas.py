"""The JSON of the usual stack."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field


class ChatRequest(BaseModel):
    """A question to the textbook chat."""

    message: str = Field(min_length=1, max_length=32_000)
    session_id: UUID | None = None


class ChatResponse(BaseModel):
    """Its answer."""

    response: str
    session_id: UUID
    timestamp: datetime


class TurnRequest(BaseModel):
    """A question of a signed-in user."""

    message: str = Field(min_length=1, max_length=32_000)
    conversation_id: UUID | None = None


class Reply(BaseModel):
    """The assistant's message."""

    id: UUID
    role: str
    content: str
    created_at: datetime


class Usage(BaseModel):
    """What the model billed, in tokens."""

    input_tokens: int
    output_tokens: int


class TurnResponse(BaseModel):
    """The answer to a signed-in user."""

    conversation_id: UUID
    message: Reply
    usage: Usage
