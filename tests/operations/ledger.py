"""`python -m tests.operations.ledger --seconds 60`: the ledger beside a provider's bill, through cancels and kills.

One server is killed again and again while people ask, stop turns, leave, come back or do not. The provider bills
each call in full when it begins to answer, whoever listens to the end.
"""

import argparse
import asyncio
import random
import sys
import time
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import psycopg

from tests.chaos.processes import Server
from tests.chaos.rig import LEASE_SECONDS, Rig, rig
from tests.chaos.talking import Heard, Person, fresh_key, talking

WORDS = "and would like an answer that takes a while, so that it can be stopped or lost on its way"
_AWAY = (aiohttp.ClientError, TimeoutError, OSError)
_LINES = """
SELECT q.content, c.outcome, c.estimated, c.input_tokens + c.output_tokens
  FROM chatcore.model_call AS c
  JOIN chatcore.turn AS t ON t.owner = c.owner AND t.id = c.turn_id
  JOIN chatcore.message AS q ON q.owner = t.owner AND q.id = t.question_id
"""


@dataclass(kw_only=True)
class Comparison:
    """What the provider has billed, and what the ledger says.

    `unknown`: calls that the ledger lacks. `wrong`: lines that say more or less than was billed, though they are
    no estimates. `early`: lines of attempts that ended before the provider heard of them.
    """

    calls: int = 0
    lines: int = 0
    exact: int = 0
    exact_tokens: int = 0
    unknown: int = 0
    wrong: int = 0
    early: int = 0
    live: int = 0
    reserved: int = 0
    billed: int = 0
    estimated: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    seen: Counter[str] = field(default_factory=Counter)
    kills: int = 0

    @property
    def clean(self) -> bool:
        return not (self.unknown or self.wrong or self.live or self.reserved)

    def __str__(self) -> str:
        off = (self.estimated - self.billed) / self.billed if self.billed else 0.0
        return (
            f"{self.calls} calls billed, {self.lines} in the ledger, of which {self.early} were never heard of; "
            f"{self.kills} kills; clients saw {dict(self.seen)}\n"
            f"exact: {self.exact} calls of {self.exact_tokens} tokens, {self.wrong} wrong; missing {self.unknown}\n"
            f"estimated: {self.estimated} tokens where {self.billed} were billed ({off:+.0%}); {dict(self.outcomes)}\n"
            f"still live {self.live}, still reserved {self.reserved}"
        )


def compare(url: str, bills: list[dict[str, Any]]) -> Comparison:
    """Hold the ledger, read as the database's superuser, against the provider's bills, question by question."""
    found = Comparison(calls=len(bills))
    billed: dict[str, list[int]] = defaultdict(list)
    for bill in bills:
        billed[bill["question"]].append(bill["tokens"])
    estimates: Counter[str] = Counter()
    with psycopg.connect(url) as connection:
        for question, outcome, estimated, tokens in connection.execute(_LINES).fetchall():
            found.lines += 1
            found.outcomes[outcome] += 1
            if estimated:
                estimates[question] += 1
                found.estimated += tokens
            elif tokens in billed[question]:
                billed[question].remove(tokens)
                found.exact += 1
                found.exact_tokens += tokens
            else:
                found.wrong += 1
        found.live, found.reserved = _left(connection)
    for question in billed.keys() | estimates.keys():
        missing = len(billed[question]) - estimates[question]
        found.unknown += max(missing, 0)
        found.early += max(-missing, 0)
        found.billed += sum(billed[question])
    return found


def _left(connection: "psycopg.Connection[tuple[Any, ...]]") -> tuple[int, int]:
    row = connection.execute(
        "SELECT (SELECT count(*) FROM chatcore.turn WHERE ended_at IS NULL),"
        " (SELECT coalesce(sum(reserved), 0)::bigint FROM chatcore.token_day)"
    ).fetchone()
    assert row is not None
    return int(row[0]), int(row[1])


@dataclass(slots=True, kw_only=True)
class Asker:
    """Somebody who asks, stops, leaves, comes back, or does not."""

    name: str
    base: str
    seen: Counter[str]

    async def run(self, session: aiohttp.ClientSession, until: float) -> None:
        person, place = Person(session=session, owner=self.name), ""
        while time.monotonic() < until:
            more = {"conversation_id": place} if place and random.random() < 0.7 else {}
            message, key = f"{self.name} asks {fresh_key()} {WORDS}", fresh_key()
            place = await self._insist(person, message, key, more)

    async def _insist(self, person: Person, message: str, key: str, more: dict[str, str]) -> str:
        """Ask until it is settled, or nobody cares any more; return the conversation where that is known."""
        streamed, place = random.random() < 0.6, ""
        while True:
            try:
                place = await (self._stream if streamed else self._ask)(person, message, key, more)
            except _AWAY:
                self.seen["away"] += 1
            else:
                if place:
                    return place
            if random.random() < 0.3:
                self.seen["gave up"] += 1
                return ""
            await asyncio.sleep(random.uniform(0.1, 0.6))

    async def _ask(self, person: Person, message: str, key: str, more: dict[str, str]) -> str:
        leaving = random.random() < 0.15
        patience = random.uniform(0.05, 0.6) if leaving else 30
        async with asyncio.timeout(patience):
            answer = await person.ask(self.base, message, key, **more)
        return self._settled(answer.status, answer.body.get("conversation_id", ""))

    async def _stream(self, person: Person, message: str, key: str, more: dict[str, str]) -> str:
        heard, stopping = Heard(), random.random() < 0.3
        async with person.stream(self.base, message, key, **more) as response:
            if response.status != 200:
                return self._settled(response.status, "")
            async for name in heard.listen(response):
                if stopping and (name == "delta" or random.random() < 0.2):
                    stopping = False
                    self.seen["cancels"] += 1
                    await person.cancel(self.base, heard)
        return self._settled(200 if heard.ending in {"done", "cancelled"} else 503, heard.conversation_id)

    def _settled(self, status: int, place: str) -> str:
        self.seen[str(status)] += 1
        return place if status == 200 else ""


def run(seconds: float, users: int, every: float) -> Comparison:
    """Ask for so many seconds while the server is killed about every so many, and compare."""
    seen = Counter[str]()
    with rig(servers=1, gap=0.02, CHATCORE_DAILY_TOKENS="1000000000") as machine:
        (server,) = machine.servers
        kills = 0

        # Processes are started by this thread, which lives as long as they should.
        with ThreadPoolExecutor(1) as pool:
            asking = pool.submit(asyncio.run, _asked(server, users, seconds, seen))
            while not asking.done():
                time.sleep(random.uniform(0.5, 1.5) * every)
                server.kill()
                server.start()
                server.wait_ready()
                kills += 1
            asking.result()
        _let_go(machine)
        asyncio.run(_accounts(server, users))
        found = compare(machine.inspect_url, machine.upstream.bills())
        assert machine.upstream.stats()["calls"] == found.calls
    found.kills, found.seen = kills, seen
    return found


async def _asked(server: Server, users: int, seconds: float, seen: Counter[str]) -> None:
    until = time.monotonic() + seconds
    async with talking() as session, asyncio.TaskGroup() as group:
        for number in range(users):
            asker = Asker(name=f"user{number}", base=server.base, seen=seen)
            group.create_task(asker.run(session, until))


def _let_go(machine: Rig) -> None:
    """Let what runs end, and what is lost run out."""
    until = time.monotonic() + 60
    while machine.upstream.stats()["open_calls"]:
        assert time.monotonic() < until, "a call never ends"
        time.sleep(0.1)
    time.sleep(LEASE_SECONDS + 1)


async def _accounts(server: Server, users: int) -> None:
    """Have every user ask what was spent, which settles what nobody came back for."""
    async with talking() as session:
        for number in range(users):
            person = Person(session=session, owner=f"user{number}")
            url = f"{server.base}/api/{person.owner}/usage"
            async with session.get(url, headers=person.headers()) as response:
                assert response.status == 200, await response.text()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.operations.ledger", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--users", type=int, default=8)
    parser.add_argument("--kill-every", type=float, default=4)
    arguments = parser.parse_args()
    found = run(arguments.seconds, arguments.users, arguments.kill_every)
    sys.stdout.write(f"{found}\n")
    return 0 if found.clean else 1


if __name__ == "__main__":
    sys.exit(main())
