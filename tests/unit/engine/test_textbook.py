"""The public door: sessions that are opened, found again, and known to nobody else."""

import asyncio

import pytest

from chatcore.chat import Question
from chatcore.errors import IdempotencyKeyReused
from chatcore.events import Done
from chatcore.prompt import TEXTBOOK
from chatcore.session import Session
from chatcore.textbook import Textbook
from chatcore.turn import fingerprint
from tests.unit.engine.house import House, house

pytestmark = pytest.mark.anyio


def door(engine: House) -> Textbook:
    entropy = iter(bytes([n]) * 32 for n in range(256))
    return Textbook(chat=engine.chat, persona=TEXTBOOK, entropy=lambda size: next(entropy)[:size])


async def ask(
    engine: House, textbook: Textbook, session_id: str | None, text: str, *, key: str | None = None
) -> Session:
    mark = fingerprint(text=text, session=session_id) if key else None
    session, asked = await textbook.ask(session_id, Question(text=text, key=key, fingerprint=mark))
    assert isinstance(await engine.ending(asked, owner=session.owner), Done)
    return session


async def test_a_first_question_opens_a_session_and_the_next_remembers() -> None:
    engine = house("one", "two")
    textbook = door(engine)
    session = await ask(engine, textbook, None, "first")
    assert await ask(engine, textbook, session.id, "second") == session
    assert [exchange.question for exchange in engine.model.requests[1].prompt.history] == ["first"]
    assert engine.model.requests[0].prompt.instructions == TEXTBOOK.instructions


@pytest.mark.parametrize("session_id", ["no session", "x" * 43, ""])
async def test_a_session_that_does_not_exist_is_never_made_under_the_id_that_was_sent(session_id: str) -> None:
    engine = house()
    session = await ask(engine, door(engine), session_id, "first")
    assert session.id != session_id


async def test_a_retry_without_a_session_finds_the_session_of_its_key() -> None:
    engine = house("one", "two")
    textbook = door(engine)
    first = await ask(engine, textbook, None, "first", key="k")
    assert await ask(engine, textbook, None, "first", key="k") == first
    assert len(engine.model.requests) == 1


async def test_sixteen_first_questions_under_one_key_open_one_session() -> None:
    engine = house("one")
    textbook = door(engine)
    sessions = await asyncio.gather(*(ask(engine, textbook, None, "first", key="k") for _ in range(16)))
    assert len(set(sessions)) == 1
    assert len(engine.model.requests) == 1


async def test_a_key_with_another_question_is_refused() -> None:
    engine = house()
    textbook = door(engine)
    await ask(engine, textbook, None, "first", key="k")
    with pytest.raises(IdempotencyKeyReused):
        await ask(engine, textbook, None, "another", key="k")
