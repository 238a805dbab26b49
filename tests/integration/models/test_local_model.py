"""The local model answers for real, and never outlives whoever started it."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.util import find_spec
from urllib.parse import urlsplit

import pytest

from adapters.local_model import LocalModel, LocalModelUnavailable
from adapters.openai import OpenAILanguageModel
from chatcore.errors import ModelMisconfigured, PromptTooLong
from chatcore.prompt import Prompt
from tests.integration.models.asking import ask

installed = pytest.mark.skipif(
    find_spec("xllamacpp") is None, reason="the local model is not installed: requirements-demo.lock"
)
PASSAGE = (
    "A humanoid robot is a robot resembling the human body in shape. Its actuators are electric motors. "
    "The robot in our laboratory is called Pepper and weighs 28 kilograms."
)
STARTER = """
import asyncio, sys
from adapters.local_model import LocalModel

async def main():
    print(await LocalModel().start(), flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


@asynccontextmanager
async def local(key: str | None = None) -> AsyncIterator[OpenAILanguageModel]:
    server = LocalModel()
    url = await server.start()
    model = OpenAILanguageModel(api_key=key or server.api_key, base_url=url, model=server.name, timeout=120)
    yield model
    await model.close()
    await server.stop()


def listens(url: str) -> bool:
    address = urlsplit(url)
    assert address.hostname is not None
    assert address.port is not None
    with socket.socket() as knocking:
        return knocking.connect_ex((address.hostname, address.port)) == 0


@installed
@pytest.mark.anyio
@pytest.mark.parametrize("streamed", [True, False])
async def test_it_answers_a_question_about_a_text(*, streamed: bool) -> None:
    prompt = Prompt(instructions="Answer briefly.", question="What is the robot called?", selected_text=PASSAGE)
    async with local() as model:
        outcome = await ask(model, streamed=streamed, prompt=prompt)
    assert outcome.error is None
    assert "Pepper" in outcome.text
    assert outcome.finished is not None
    assert outcome.finished.usage.input_tokens > 50
    assert not outcome.finished.usage.estimated


@installed
@pytest.mark.anyio
async def test_a_prompt_beyond_its_context_is_too_long() -> None:
    async with local() as model:
        outcome = await ask(model, streamed=True, prompt=Prompt(instructions="i", question="word " * 10_000))
    assert type(outcome.error) is PromptTooLong


@installed
@pytest.mark.anyio
async def test_nobody_else_on_this_machine_may_use_it() -> None:
    async with local(key="guessed") as model:
        outcome = await ask(model, streamed=True)
    assert type(outcome.error) is ModelMisconfigured


@installed
@pytest.mark.anyio
async def test_it_is_gone_once_stopped() -> None:
    server = LocalModel()
    url = await server.start()
    assert listens(url)
    await server.stop()
    assert not listens(url)
    await server.stop()


@installed
@pytest.mark.anyio
async def test_it_is_given_up_where_it_does_not_get_ready() -> None:
    with pytest.raises(LocalModelUnavailable, match="not ready within 0 s"):
        await LocalModel(patience=0.0).start()


@installed
def test_it_dies_with_the_process_that_started_it() -> None:
    with subprocess.Popen([sys.executable, "-c", STARTER], stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout is not None
        url = starter.stdout.readline().strip()
        assert listens(url)
        os.kill(starter.pid, signal.SIGKILL)
    for _ in range(50):
        if not listens(url):
            return
        time.sleep(0.1)
    pytest.fail("the local model outlived its starter")


@pytest.mark.anyio
@pytest.mark.skipif(find_spec("xllamacpp") is not None, reason="the local model is installed")
async def test_where_it_is_not_installed_it_says_how_to() -> None:
    with pytest.raises(LocalModelUnavailable, match=r"requirements-demo\.lock"):
        await LocalModel().start()
