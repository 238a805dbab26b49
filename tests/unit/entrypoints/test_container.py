"""The container makes what the settings say, and takes whatever is given in place of a part."""

import time
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path

import pytest

from adapters.auth.hs256 import issue_token
from adapters.offline import OfflineLanguageModel
from adapters.openai.model import OpenAILanguageModel
from adapters.resilience import CircuitBreaking, FallingBack, Retrying, WithDeadline
from adapters.scripted import Reply, ScriptedLanguageModel
from chatcore.chat import Question
from chatcore.errors import ModelFailed, ModelUnavailable, Unauthenticated
from chatcore.events import Done
from chatcore.ports.authenticator import Credentials
from chatcore.prompt import whole_window
from entrypoints import personas
from entrypoints.container import Container, in_memory
from entrypoints.settings import Provider, Settings
from entrypoints.wiring import models
from entrypoints.wiring.databases import figures, main_database, shares, sign_in_database
from entrypoints.wiring.lifetime import opened
from entrypoints.wiring.storage import StorageUnusable, goes_through_a_pooler
from tests.integration.models.asking import ask

SECRET = "0123456789abcdef0123456789abcdef"
BEARER = "Bearer " + issue_token(SECRET, "ada", timedelta(hours=1))


@pytest.mark.anyio
async def test_a_turn_runs_without_database_and_without_provider() -> None:
    model = ScriptedLanguageModel(["Indeed."])
    container = in_memory(Settings(auth_jwt_secret=SECRET), model)
    async with container.opened():
        asked = await container.chat().ask("ada", container.assistant(), Question(text="Is it so?"))
        ending = await container.listener().ending("ada", asked.turn_id, asked.live)
    assert isinstance(ending, Done)
    assert ending.message.content == "Indeed."
    assert await container.unready()() == {}
    assert 'chatcore_turns_total{outcome="completed"} 1.0' in container.metrics().exposition().decode()


@pytest.mark.parametrize(
    ("settings", "kind", "name"),
    [
        (Settings(), OfflineLanguageModel, "offline"),
        (Settings(openai_api_key="k"), OpenAILanguageModel, models.OPENAI_MODEL),
        (Settings(openai_api_key="k", model="m"), OpenAILanguageModel, "m"),
        (Settings(gemini_api_key="k"), OpenAILanguageModel, models.GEMINI_MODEL),
        (Settings(llm=Provider.LOCAL), models.OnThisMachine, "SmolLM2-135M-Instruct"),
    ],
)
def test_the_provider_is_the_one_that_is_set(settings: Settings, kind: type, name: str) -> None:
    container = Container(settings=settings, database_url="postgresql://nobody@127.0.0.1:1/none")
    assert isinstance(container.provider_model(), kind)
    assert container.language_model().name == name


def test_a_real_provider_is_asked_again_and_cut_short() -> None:
    container = Container(settings=Settings(openai_api_key="k", model_timeout=None), database_url="")
    model = container.language_model()
    assert isinstance(model, WithDeadline)
    assert isinstance(model._model, CircuitBreaking)
    assert isinstance(model._model._model, Retrying)


@pytest.mark.parametrize("keys", [{"openai_api_key": "k"}, {"gemini_api_key": "k"}])
def test_a_second_model_stands_in_where_one_is_set(keys: dict[str, str]) -> None:
    container = Container(settings=Settings(fallback_model="second", **keys), database_url="")  # type: ignore[arg-type]
    model, second = container.language_model(), container.fallback_model()
    assert isinstance(model, WithDeadline)
    assert isinstance(model._model, FallingBack)
    assert second is not None
    assert second.name == "second"


def test_what_is_no_provider_has_no_second_model() -> None:
    assert Container(settings=Settings(fallback_model="second"), database_url="").fallback_model() is None


def test_an_open_breaker_is_a_figure() -> None:
    breakers = models.Breakers()
    breaker = breakers.fresh("parrot")
    assert [value for _, _, value in breakers.figures()] == [0]
    for _ in range(20):
        breaker.failed()
    assert [value for _, _, value in breakers.figures()] == [1]


@pytest.mark.anyio
@pytest.mark.skipif(find_spec("xllamacpp") is not None, reason="the local model is installed")
async def test_a_local_model_that_is_not_installed_is_unusable() -> None:
    with pytest.raises(models.ModelUnusable, match=r"requirements-demo\.lock"):
        await models.OnThisMachine(timeout=1).open()


@pytest.mark.anyio
async def test_a_local_model_that_was_not_started_does_not_speak() -> None:
    model = models.local(Settings())
    with pytest.raises(ModelUnavailable):
        model.speak(None)  # type: ignore[arg-type]


@pytest.mark.anyio
async def test_a_token_of_the_secret_is_believed() -> None:
    authenticator = in_memory(Settings(auth_jwt_secret=SECRET), ScriptedLanguageModel()).authenticator()
    principal = await authenticator.authenticate(Credentials(authorization=(BEARER,), cookies={}))
    assert principal.user_id == "ada"


@pytest.mark.anyio
async def test_no_symmetric_token_is_believed_where_only_a_key_set_is_named(tmp_path: Path) -> None:
    settings = Settings(auth_jwks_url="http://127.0.0.1:1/jwks", data_dir=tmp_path)
    container = in_memory(settings, ScriptedLanguageModel())
    async with container.opened():
        with pytest.raises(Unauthenticated):
            await container.authenticator().authenticate(Credentials(authorization=(BEARER,), cookies={}))
    assert not list(tmp_path.iterdir())  # noqa: ASYNC240 - nothing else runs


@pytest.mark.parametrize(
    ("settings", "sizes"),
    [
        (Settings(pool_max=8), (8, 0)),
        (Settings(pool_max=8, database_url="postgresql://a/b", better_auth_secret="s"), (8, 0)),
        (Settings(pool_max=8, better_auth_secret="s", better_auth_database_url="postgresql://c/d"), (6, 2)),
        (Settings(pool_max=2, better_auth_secret="s", better_auth_database_url="postgresql://c/d"), (1, 1)),
    ],
)
def test_all_pools_together_keep_the_limit(settings: Settings, sizes: tuple[int, int]) -> None:
    assert shares(settings) == sizes


def test_better_auth_is_asked_where_its_tables_are() -> None:
    main = main_database(Settings(), "postgresql://a/b", pooled=False)
    assert sign_in_database(Settings(), main) is None
    same = Settings(database_url="postgresql://a/b", better_auth_secret="s")
    assert sign_in_database(same, main) is main
    apart = Settings(better_auth_secret="s", better_auth_database_url="postgresql://c/d")
    assert sign_in_database(apart, main) not in {None, main}


def test_a_container_starts_no_database_by_itself() -> None:
    with pytest.raises(StorageUnusable, match="DATABASE_URL is not set"):
        Container(settings=Settings()).turns()


def test_without_a_database_there_are_no_figures_of_one() -> None:
    assert list(figures(None)) == []


@pytest.mark.parametrize(
    ("url", "direct", "pooled"),
    [
        (None, None, False),
        ("postgresql://app@db.example.com/chat", None, False),
        ("postgresql://app@db.example.com/chat", "postgresql://owner@db.example.com/chat", False),
        ("postgresql://app@db.example.com/chat", "postgresql://owner@direct.example.com/chat", True),
        ("postgresql://app@db.example.com:6543/chat", "postgresql://owner@db.example.com:5432/chat", True),
        ("postgresql://app@db.example.com:6432/chat", None, True),
        ("postgresql://app@ep-x-pooler.eu.example.com/chat", None, True),
        ("postgresql://app@a.example.com:5432,b.example.com:5432/chat", None, False),
    ],
)
def test_a_pooler_is_known_by_its_address(url: str | None, direct: str | None, *, pooled: bool) -> None:
    assert goes_through_a_pooler(Settings(database_url=url, database_url_unpooled=direct)) is pooled


def test_the_personas_say_what_is_set() -> None:
    settings = Settings(
        textbook_instructions="Be a book.",
        textbook_window=4,
        assistant_instructions="Be kind.",
        assistant_window=6,
    )
    assert (personas.textbook(settings).instructions, personas.textbook(settings).window) == ("Be a book.", 4)
    assert (personas.assistant(settings).instructions, personas.assistant(settings).window) == ("Be kind.", 6)
    assert personas.assistant(settings).history is not whole_window
    assert personas.assistant(Settings(history_tokens=None)).history is whole_window


class Part:
    """Something that is opened and closed, and remembers in which order."""

    def __init__(self, story: list[str], name: str) -> None:
        self.story = story
        self.name = name

    async def open(self) -> None:
        self.story.append(f"open {self.name}")

    async def close(self) -> None:
        self.story.append(f"close {self.name}")


@pytest.mark.anyio
async def test_parts_are_opened_once_and_closed_in_reverse_after_the_turns_ended() -> None:
    story: list[str] = []
    container = in_memory(Settings(), ScriptedLanguageModel())
    first, second = Part(story, "first"), Part(story, "second")

    class Speaker:
        async def drain(self, seconds: float) -> None:
            story.append(f"drain {seconds:g}")

    parts = [first, None, second, first]
    async with opened(parts, Speaker(), 3, container.metrics(), []):  # type: ignore[arg-type]
        story.append("serve")
    assert story == ["open first", "open second", "serve", "drain 3", "close second", "close first"]


@pytest.mark.anyio
@pytest.mark.parametrize(("second", "left_alone"), [(None, 0), (ScriptedLanguageModel(["Yes."], name="b"), 1)])
async def test_a_model_that_fails_half_the_time_is_left_alone_where_another_stands_in(
    second: ScriptedLanguageModel | None, left_alone: int
) -> None:
    # It breaks off in mid-reply, which nobody asks again.
    first = ScriptedLanguageModel(["Yes.", Reply(pieces=("Ye",), error=ModelFailed())] * 20, name="a")
    breakers = models.Breakers()
    model = models.resilient(first, second, Settings(openai_api_key="k"), breakers)
    for _ in range(30):
        await ask(model, streamed=True)
    assert [shut for _, _, shut in breakers.figures()] == [left_alone]
    assert len(first.requests) == (20 if left_alone else 30)


@pytest.mark.anyio
async def test_a_model_that_is_left_alone_keeps_nobody_waiting() -> None:
    breakers = models.Breakers()
    first, second = ScriptedLanguageModel(["No."], name="a"), ScriptedLanguageModel(["Yes."], name="b")
    alone = models.resilient(first, None, Settings(openai_api_key="k"), breakers)
    stood_in_for = models.resilient(first, second, Settings(openai_api_key="k"), breakers)
    for model in (alone, stood_in_for):
        assert isinstance(model, WithDeadline)
        guarded = model._model._first if isinstance(model._model, FallingBack) else model._model
        assert isinstance(guarded, CircuitBreaking)
        for _ in range(20):
            guarded._breaker.failed()
    began = time.monotonic()
    assert type((await ask(alone, streamed=True)).error) is ModelUnavailable
    assert (await ask(stood_in_for, streamed=True)).text == "Yes."
    assert time.monotonic() - began < 1
