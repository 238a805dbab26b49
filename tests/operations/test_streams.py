"""Streams that are cut, left, not read or cancelled do no harm: nothing is lost, and nothing stays behind."""

import asyncio
import socket
import statistics
import time
from collections.abc import Callable, Iterator

import pytest

from tests.chaos.rig import Rig, rig
from tests.chaos.talking import Heard, Person, fresh_key, talking
from tests.operations.cuts import cut_streams

pytestmark = pytest.mark.anyio

READERS = 500
MEGABYTE = 1_000_000
POOL = 10
"""Connections to the database, which a server opens when it first needs them, and keeps."""


@pytest.fixture(scope="module")
def machine() -> Iterator[Rig]:
    """Two servers that echo, one whose replies are long, and one whose model says nothing for a minute."""
    with rig(servers=2, gap=0.01, CHATCORE_TURN_LEASE="30") as running:
        long, silent = running.serve(CHATCORE_MODEL="words:12000"), running.serve(CHATCORE_MODEL="slow:60")
        long.wait_ready()
        silent.wait_ready()
        yield running


async def until(true: Callable[[], object], seconds: float) -> float:
    """Return after how many seconds something became true."""
    began = time.monotonic()
    while not true():
        assert time.monotonic() - began < seconds, "it never became true"
        await asyncio.sleep(0.05)
    return time.monotonic() - began


async def test_cut_streams_resumed_on_another_process_have_no_gap_and_no_repeat(machine: Rig) -> None:
    async with asyncio.timeout(60):
        figures = await cut_streams(machine, 60, seed=60)
    assert figures.different == []
    assert figures.cuts >= 60
    assert figures.moved >= 10


async def leave(person: Person, base: str, message: str) -> Heard:
    """Ask, hear the first piece, and go away without a word."""
    heard = Heard()
    async with person.stream(base, message, fresh_key()) as response:
        async for name in heard.listen(response):
            if name == "delta":
                response.close()
                break
    return heard


async def test_clients_that_leave_leave_nothing_behind_and_their_turns_are_finished(machine: Rig) -> None:
    server = machine.servers[0]
    message = " ".join(f"w{n}" for n in range(40))
    files, memory = [], []
    async with talking() as session:
        for _ in range(4):
            people = [Person(session=session, owner=f"leaver{n}" if n % 2 else None) for n in range(30)]
            left = await asyncio.gather(*(leave(person, server.base, message) for person in people))
            await until(lambda: machine.upstream.stats()["open_calls"] == 0, 15)
            await asyncio.sleep(0.5)
            for person, heard in zip(people, left, strict=True):
                turn = await person.look(machine.servers[1].base, heard)
                assert (turn["status"], turn["message"]["content"]) == ("completed", message)
            files.append(server.open_files())
            memory.append(server.resident())
    assert machine.upstream.stats()["left"] == 0
    assert files[-1] <= files[0] + POOL
    assert memory[-1] < memory[0] + 10 * MEGABYTE


async def test_hundreds_of_readers_that_read_nothing_do_not_hurt_the_others(machine: Rig) -> None:
    server = machine.servers[2]
    async with talking() as session:
        hoarder, other = Person(session=session), Person(session=session, owner="other")

        async def asked() -> list[float]:
            answers = [await other.ask(server.base, "Say.") for _ in range(10)]
            assert {answer.status for answer in answers} == {200}
            return sorted(answer.seconds for answer in answers)

        heard = Heard()
        async with hoarder.stream(server.base, "Say.") as response:
            await heard.listen_to_the_end(response)
        before, memory, files = await asked(), server.resident(), server.open_files()
        path = hoarder.turn("", heard) + "/events"
        readers = [unread(server.port, path) for _ in range(READERS)]
        try:
            await until(lambda: server.open_files() >= files + READERS, 30)
            during = await asked()
            grown = server.resident() - memory
        finally:
            for reader in readers:
                reader.close()
        await until(lambda: server.open_files() <= files + POOL, 20)
        assert (await asked())[0] > 0
    assert statistics.median(during) < 3 * statistics.median(before) + 0.2
    assert grown < READERS * MEGABYTE / 4


def unread(port: int, path: str) -> socket.socket:
    """Return a connection that asked for events and never reads one."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    connection.settimeout(20)
    connection.connect(("127.0.0.1", port))
    connection.sendall(f"GET {path} HTTP/1.1\r\nhost: x\r\n\r\n".encode())
    return connection


async def test_a_cancel_from_another_process_reaches_the_upstream_within_seconds(machine: Rig) -> None:
    here, elsewhere = machine.servers[0].base, machine.servers[1].base
    message = " ".join(f"w{n}" for n in range(2000))
    async with talking() as session:
        ada, heard = Person(session=session, owner="ada"), Heard()
        calls = machine.upstream.stats()["left"]
        async with ada.stream(here, message) as response:
            async for name in heard.listen(response):
                if name == "delta" and not heard.text.count("w9 "):
                    continue
                if heard.ending is None and name == "delta":
                    break
            assert await ada.cancel(elsewhere, heard) == 202
            seconds = await until(lambda: machine.upstream.stats()["left"] == calls + 1, 5)
            await heard.listen_to_the_end(response)
        assert heard.ending == "cancelled"
        assert heard.last["message"]["content"] == heard.text
        assert message.startswith(heard.text.rstrip())
        assert seconds < 3
        assert await ada.cancel(elsewhere, heard) == 200


async def test_a_turn_that_has_said_nothing_yet_is_cancelled_as_well(machine: Rig) -> None:
    silent, elsewhere = machine.servers[3].base, machine.servers[1].base
    async with talking() as session:
        ada, heard = Person(session=session, owner="ada"), Heard()
        calls = machine.upstream.stats()["left"]
        async with ada.stream(silent, "Hm?") as response:
            async for _ in heard.listen(response):
                break
            assert await ada.cancel(elsewhere, heard) == 202
            await until(lambda: machine.upstream.stats()["left"] == calls + 1, 5)
            await heard.listen_to_the_end(response)
        assert (heard.ending, heard.last.get("message")) == ("cancelled", None)
