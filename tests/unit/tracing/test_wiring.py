"""Traces are sent where a collector is named, and cost nothing where none is."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import httpx
import pytest

from adapters.scripted import ScriptedLanguageModel
from adapters.tracing.turn_store import TracedTurnStore
from chatcore.errors import ModelMisconfigured
from chatcore.ports.language_model import ModelCall, ModelRequest
from chatcore.prompt import Prompt
from entrypoints.container import Container, in_memory
from entrypoints.http import create_app
from entrypoints.settings import Settings
from entrypoints.wiring.tracing import Traced, Untraced

pytestmark = pytest.mark.anyio
SECRET = "a secret of the tests, 32 bytes or more"


class Collector(HTTPServer):
    """Takes what an exporter sends."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Take)
        self.received: list[tuple[str, bytes]] = []


class Take(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        assert isinstance(self.server, Collector)
        self.server.received.append((self.path, body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        del format, args


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as made:
        thread = threading.Thread(target=made.serve_forever)
        thread.start()
        yield made
        made.shutdown()
        thread.join(10)


async def test_a_request_is_sent_to_the_collector(collector: Collector) -> None:
    settings = Settings(auth_jwt_secret=SECRET, otlp_endpoint=f"http://127.0.0.1:{collector.server_port}")
    container = in_memory(settings, ScriptedLanguageModel(["secret answer"]))
    tracer = container.tracer()
    assert isinstance(tracer, Traced)
    app = create_app(container)
    async with container.opened():
        transport = httpx.ASGITransport(app=app)  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            assert (await client.post("/chat", json={"message": "secret question"})).status_code == 200
    ((path, body),) = collector.received
    assert path == "/v1/traces"
    assert b"POST /chat" in body
    assert b"secret" not in body


async def test_where_a_collector_is_named_models_and_stores_are_wrapped(collector: Collector) -> None:
    settings = Settings(
        auth_jwt_secret=SECRET,
        database_url="postgresql://nobody@127.0.0.1:1/none",
        otlp_endpoint=f"http://127.0.0.1:{collector.server_port}",
    )
    container = Container(settings=settings, provider_model=ScriptedLanguageModel(["secret answer"]))
    calls: list[ModelCall] = []
    assert isinstance(container.turns(), TracedTurnStore)
    request = ModelRequest(prompt=Prompt(instructions="i", question="q"), streamed=False, meter=calls.append)
    assert [piece async for piece in container.language_model().speak(request)]
    tracer = container.tracer()
    assert isinstance(tracer, Traced)
    await tracer.close()
    ((_, body),) = collector.received
    assert b"chat scripted" in body


async def test_a_model_that_stands_in_is_traced_as_the_first_is(collector: Collector) -> None:
    container = Container(
        settings=Settings(openai_api_key="k", otlp_endpoint=f"http://127.0.0.1:{collector.server_port}"),
        provider_model=ScriptedLanguageModel([ModelMisconfigured()], name="first"),
        fallback_model=ScriptedLanguageModel(name="second"),
    )
    request = ModelRequest(
        prompt=Prompt(instructions="i", question="q"), streamed=False, meter=list[ModelCall]().append
    )
    assert [piece async for piece in container.language_model().speak(request)]
    tracer = container.tracer()
    assert isinstance(tracer, Traced)
    await tracer.close()
    ((_, body),) = collector.received
    assert b"chat first" in body
    assert b"chat second" in body


def test_without_a_collector_nothing_is_wrapped() -> None:
    model = ScriptedLanguageModel()
    container = Container(settings=Settings(database_url="postgresql://127.0.0.1:1/none"), language_model=model)
    tracer = container.tracer()
    assert type(tracer) is Untraced
    assert tracer.model(model, "openai") is model
    assert tracer.turns(container.turns()) is container.turns()
    assert tracer.app(create_app) is create_app
