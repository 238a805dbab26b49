"""The HTTP of the usual stack, in the shape this project's own server has."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse
from openai import AsyncOpenAI, OpenAIError
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

from benchmarks.usual.chat import begin, finish
from benchmarks.usual.dependencies import Accept, Client, CurrentSettings, Session, User
from benchmarks.usual.models import Base
from benchmarks.usual.schemas import ChatRequest, ChatResponse, Reply, TurnRequest, TurnResponse, Usage
from benchmarks.usual.settings import get_settings
from benchmarks.usual.streaming import events

EVENT_STREAM = "text/event-stream"


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Open the pool and the client, and close them again."""
    settings = get_settings()
    engine = create_async_engine(
        settings.database_url,
        pool_size=settings.database_pool_size,
        max_overflow=settings.database_max_overflow,
    )
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    app.state.sessions = async_sessionmaker(engine, expire_on_commit=False)
    async with AsyncOpenAI() as client:
        app.state.client = client
        yield
    await engine.dispose()


def create_app() -> FastAPI:
    """Make the application; `uvicorn --factory` calls this."""
    app = FastAPI(title="The usual stack", lifespan=lifespan)
    app.add_exception_handler(OpenAIError, model_failed)
    app.add_api_route("/health", health)
    app.add_api_route("/chat", chat, methods=["POST"], response_model=ChatResponse)
    app.add_api_route("/api/{user_id}/chat", turn, methods=["POST"], response_model=TurnResponse)
    return app


async def health() -> dict[str, str]:
    """Say that the process is up."""
    return {"status": "healthy"}


async def model_failed(_: Request, __: Exception) -> Response:
    """Answer for a model that did not."""
    return JSONResponse({"detail": "the model failed"}, status_code=502)


async def chat(
    request: ChatRequest, session: Session, client: Client, settings: CurrentSettings, accept: Accept = ""
) -> ChatResponse | StreamingResponse:
    """Answer a question of the textbook chat."""
    conversation, prompt = await begin(session, None, request.session_id, request.message)
    if EVENT_STREAM in accept:
        accepted = {"session_id": str(conversation.id)}
        stream = events(session, client, settings.model, conversation, prompt, accepted)
        return StreamingResponse(stream, media_type=EVENT_STREAM)
    completion = await client.chat.completions.create(model=settings.model, messages=prompt)
    message = await finish(session, conversation, completion.choices[0].message.content or "")
    return ChatResponse(response=message.content, session_id=conversation.id, timestamp=message.created_at)


async def turn(
    request: TurnRequest,
    user: User,
    session: Session,
    client: Client,
    settings: CurrentSettings,
    accept: Accept = "",
) -> TurnResponse | StreamingResponse:
    """Answer a question of a signed-in user."""
    conversation, prompt = await begin(session, user, request.conversation_id, request.message)
    if EVENT_STREAM in accept:
        accepted = {"conversation_id": str(conversation.id)}
        stream = events(session, client, settings.model, conversation, prompt, accepted)
        return StreamingResponse(stream, media_type=EVENT_STREAM)
    completion = await client.chat.completions.create(model=settings.model, messages=prompt)
    message = await finish(session, conversation, completion.choices[0].message.content or "")
    tokens = completion.usage
    return TurnResponse(
        conversation_id=conversation.id,
        message=Reply.model_validate(message, from_attributes=True),
        usage=Usage(
            input_tokens=tokens.prompt_tokens if tokens else 0,
            output_tokens=tokens.completion_tokens if tokens else 0,
        ),
    )
