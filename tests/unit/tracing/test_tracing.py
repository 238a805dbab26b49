"""Traces say how long each part took and how it ended, and never what was said."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode, Tracer

from adapters.memory.state import MemoryState
from adapters.memory.turn_store import MemoryTurnStore
from adapters.scripted import Reply, ScriptedLanguageModel
from adapters.tracing.language_model import TracedLanguageModel
from adapters.tracing.requests import Message, Receive, Scope, Send, TracedApp
from adapters.tracing.turn_store import TracedTurnStore
from chatcore.chat import Chat, Patience, Question
from chatcore.errors import ChatError, Failure, ModelFailed
from chatcore.listen import Listener, Pace
from chatcore.prompt import ASSISTANT
from chatcore.speaker import Speaker, TurnReport
from chatcore.speech import Tempo
from chatcore.turn import TurnStatus, fingerprint

pytestmark = pytest.mark.anyio
TRACE = "0af7651916cd43dd8448eb211c80319c"


class Traces:
    """What was traced."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.tracer: Tracer = provider.get_tracer("test")

    @property
    def spans(self) -> Sequence[ReadableSpan]:
        return self._exporter.get_finished_spans()

    def named(self, name: str) -> ReadableSpan:
        (span,) = (span for span in self.spans if span.name == name)
        return span


class Engine:
    """Turns in memory, traced."""

    def __init__(self, *script: str | ChatError | Reply) -> None:
        self.traces = Traces()
        model = TracedLanguageModel(ScriptedLanguageModel(script), self.traces.tracer, "openai")
        self.store = TracedTurnStore(
            MemoryTurnStore(MemoryState(clock=lambda: datetime.now(UTC))), self.traces.tracer
        )
        self.reports: list[TurnReport] = []
        self.speaker = Speaker(
            store=self.store,
            model=model,
            observe=self.reports.append,
            tempo=Tempo(gather=0.01, quiet=0.02),
            capacity=9,
        )
        self.chat = Chat(store=self.store, speaker=self.speaker, new_id=uuid4, patience=Patience())
        self.listener = Listener(store=self.store, speaker=self.speaker, pace=Pace(look=0.01))

    async def ask(self, key: str | None = None) -> TurnStatus:
        mark = fingerprint(text="secret question") if key else None
        question = Question(text="secret question", key=key, fingerprint=mark, streamed=True)
        asked = await self.chat.ask("ada", ASSISTANT, question)
        await self.listener.ending("ada", asked.turn_id, asked.live)
        return (await self.store.look("ada", asked.turn_id)).status


async def test_a_turn_is_traced_by_its_statements_and_its_call() -> None:
    engine = Engine("secret answer")
    await engine.ask()
    assert {span.name for span in engine.traces.spans} == {
        "turn begin",
        "chat scripted",
        "turn finish",
        "turn look",
    }
    call = engine.traces.named("chat scripted").attributes or {}
    assert call["gen_ai.provider.name"] == "openai"
    assert call["gen_ai.request.model"] == call["gen_ai.response.model"] == "scripted"
    assert call["gen_ai.usage.output_tokens"]
    assert "secret" not in "".join(span.to_json() for span in engine.traces.spans)


async def test_a_failed_call_is_an_error_by_its_code() -> None:
    engine = Engine(ModelFailed("secret detail"))
    assert await engine.ask() is TurnStatus.FAILED
    span = engine.traces.named("chat scripted")
    assert (span.attributes or {})["error.type"] == "model-failed"
    assert span.status.status_code is StatusCode.ERROR


async def test_every_step_is_passed_on() -> None:
    engine = Engine(ModelFailed(), Reply(pieces=("half ", "never"), hold=asyncio.Event(), hold_after=1))
    await engine.ask(key="k")
    mark = fingerprint(text="secret question")
    asked = await engine.chat.ask(
        "ada", ASSISTANT, Question(text="secret question", key="k", fingerprint=mark, streamed=True)
    )
    await asyncio.sleep(0.05)
    other = Listener(
        store=engine.store,
        speaker=Speaker(
            store=engine.store,
            model=ScriptedLanguageModel(),
            observe=engine.reports.append,
            tempo=Tempo(),
            capacity=1,
        ),
        pace=Pace(look=0.01),
    )
    following = asyncio.create_task(other.ending("ada", asked.turn_id))
    await asyncio.sleep(0.03)
    await engine.speaker.drain(0)
    await following
    await engine.chat.cancel("ada", asked.turn_id)
    if asked.live is not None:
        await engine.store.bill(asked.live.lease, [])
    given_up = await engine.store.give_up("ada", asked.turn_id, Failure.of(ModelFailed()))
    assert given_up.status is TurnStatus.FAILED
    steps = {span.name.removeprefix("turn ") for span in engine.traces.spans}
    assert steps >= {
        "begin",
        "take_over",
        "give_up",
        "checkpoint",
        "finish",
        "release",
        "look",
        "follow",
        "bill",
        "cancel",
    }


async def served(traces: Traces, scope: Scope, status: int) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        del receive
        scope["path_template"] = "/chat/{session_id}/turns/{turn_id}"
        await send({"type": "http.response.start", "status": status})
        await send({"type": "http.response.body"})

    async def receive() -> Message:
        return {}

    async def send(message: Message) -> None:
        del message

    await TracedApp(app, traces.tracer)(scope, receive, send)


@pytest.mark.parametrize(
    ("status", "standing"), [(200, StatusCode.UNSET), (404, StatusCode.UNSET), (500, StatusCode.ERROR)]
)
async def test_a_request_is_named_by_its_route_and_continues_the_callers_trace(
    status: int, standing: StatusCode
) -> None:
    traces = Traces()
    headers = [(b"traceparent", f"00-{TRACE}-b7ad6b7169203331-01".encode())]
    await served(
        traces, {"type": "http", "method": "GET", "path": "/chat/secret/turns/1", "headers": headers}, status
    )
    (span,) = traces.spans
    assert span.name == "GET /chat/{session_id}/turns/{turn_id}"
    assert (span.attributes or {})["http.response.status_code"] == status
    assert span.status.status_code is standing
    assert format(span.get_span_context().trace_id, "032x") == TRACE  # type: ignore[union-attr]
    assert "secret" not in span.to_json()


async def test_what_is_no_request_is_not_traced() -> None:
    traces = Traces()
    await served(traces, {"type": "lifespan"}, 200)
    assert not traces.spans
