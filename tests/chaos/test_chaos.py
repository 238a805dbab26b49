"""Whatever breaks, no acknowledged turn is lost or doubled, none stays stuck, and no reply differs: briefly."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.chaos.__main__ import run
from tests.chaos.rig import Rig, rig
from tests.chaos.talking import Answer, Person, fresh_key, talking

AT_ONCE = 16


def test_seconds_of_everything_that_breaks_lose_nothing() -> None:
    findings, report = run(8, 6)
    assert findings.clean, report
    assert findings.completed >= 5, report


@pytest.fixture(scope="module")
def machine() -> Iterator[Rig]:
    with rig(servers=2, gap=0.01) as running:
        yield running


async def at_once(machine: Rig, person: Person, *keys: str, **more: str) -> list[Answer]:
    """Ask the same with these keys, all at once, of both servers in turn."""
    bases = [server.base for server in machine.servers]
    async with asyncio.timeout(30):
        return await asyncio.gather(
            *(person.ask(bases[n % 2], "Who is first?", key, **more) for n, key in enumerate(keys))
        )


@pytest.mark.anyio
@pytest.mark.parametrize("owner", ["ada", None])
async def test_of_sixteen_with_one_key_one_is_begun(machine: Rig, owner: str | None) -> None:
    async with talking() as session:
        person = Person(session=session, owner=owner)
        answers = await at_once(machine, person, *[fresh_key()] * AT_ONCE)
    assert {answer.status for answer in answers} == {200}
    assert len({answer.headers["X-Turn-Id"] for answer in answers}) == 1
    assert len({str(answer.body) for answer in answers}) == 1
    assert sum("Idempotency-Replayed" not in answer.headers for answer in answers) == 1


@pytest.mark.anyio
async def test_of_sixteen_in_one_conversation_one_runs_at_a_time(machine: Rig) -> None:
    async with talking() as session:
        ada = Person(session=session, owner="ada")
        opened = (await ada.ask(machine.servers[0].base, "Hello.")).body["conversation_id"]
        refused = 0
        keys = {fresh_key() for _ in range(AT_ONCE)}
        async with asyncio.timeout(60):
            while keys:
                asked = sorted(keys)
                answers = await at_once(machine, ada, *asked, conversation_id=opened)
                for key, answer in zip(asked, answers, strict=True):
                    if answer.status == 200:
                        keys.remove(key)
                    else:
                        refused += 1
                        assert (answer.status, answer.problem) == (409, "conversation-busy")
        url = f"{machine.servers[1].base}/api/ada/conversations/{opened}/messages?limit=100"
        async with session.get(url, headers=ada.headers()) as response:
            items = (await response.json())["items"]
    assert [message["role"] for message in items] == ["user", "assistant"] * (AT_ONCE + 1)
    assert {message["content"] for message in items} == {"Hello.", "Who is first?"}
    assert refused
