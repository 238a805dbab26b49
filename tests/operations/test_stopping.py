"""A server that is told to stop loses nothing, tells everybody who listens, and is gone in time."""

import asyncio
import signal
import socket
from collections.abc import Iterator

import pytest

from tests.chaos.processes import Server
from tests.chaos.rig import Rig, rig
from tests.chaos.talking import Heard, Person, fresh_key, talking

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def machine() -> Iterator[Rig]:
    """One server that stays, `servers[0]`; each test starts the one that it stops."""
    with rig(servers=1, gap=0.05, CHATCORE_TURN_LEASE="30", CHATCORE_DRAIN="3") as running:
        yield running


@pytest.fixture
def stopping(machine: Rig) -> Iterator[Server]:
    server = machine.serve()
    server.wait_ready()
    yield server
    server.kill()


@pytest.fixture
def staying(machine: Rig) -> str:
    return machine.servers[0].base


async def ended(server: Server) -> tuple[int, float]:
    loop = asyncio.get_running_loop()
    began = loop.time()
    code = await loop.run_in_executor(None, server.ended)
    return code, loop.time() - began


def words(number: int) -> str:
    return " ".join(f"w{n}" for n in range(number))


async def begun(person: Person, base: str, heard: Heard, message: str, key: str) -> "asyncio.Task[None]":
    """Return the task that hears a stream, once it has heard a first piece."""
    speaking = asyncio.Event()

    async def hear() -> None:
        async with person.stream(base, message, key) as response:
            assert response.status == 200, await response.text()
            async for name in heard.listen(response):
                if name == "delta":
                    speaking.set()

    task = asyncio.create_task(hear())
    async with asyncio.timeout(20):
        await speaking.wait()
    return task


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_turns_that_end_in_time_are_finished_and_the_others_handed_over(
    stopping: Server, staying: str, number: signal.Signals
) -> None:
    async with talking() as session:
        ada, bob = Person(session=session, owner="ada"), Person(session=session)
        short, long = Heard(), Heard()
        long_key, message = fresh_key(), words(400)
        hearing_short = await begun(ada, stopping.base, short, words(30), fresh_key())
        hearing_long = await begun(bob, stopping.base, long, message, long_key)
        whole = asyncio.create_task(ada.ask(stopping.base, words(10)))
        waiting = asyncio.create_task(bob.ask(stopping.base, f"slow {message}", slow_key := fresh_key()))
        await asyncio.sleep(0.2)
        stopping.send(number)
        code, seconds = await ended(stopping)
        await asyncio.gather(hearing_short, hearing_long)
        assert (code, short.ending, long.ending) == (0, "done", "interrupted")
        assert seconds < 9
        assert (await whole).status == 200
        assert short.text == words(30)
        assert long.last["message"]["content"] == long.text
        # A reply that is not streamed is asked of this upstream without gaps: it is there in time.
        assert (await waiting).status == 200
        # The lease is handed over: nobody has to wait until its thirty seconds are over.
        again = await bob.ask(staying, message, long_key)
        assert (again.status, again.body["response"]) == (200, message)
        assert again.body["session_id"] == long.session_id
        assert (await bob.look(staying, long))["status"] == "completed"
        assert (await bob.ask(staying, f"slow {message}", slow_key)).headers["Idempotency-Replayed"] == "true"
        assert again.seconds < 5


async def test_a_second_signal_hands_over_at_once(stopping: Server, staying: str) -> None:
    stopping.kill()
    stopping.start(CHATCORE_DRAIN="60")
    stopping.wait_ready()
    async with talking() as session:
        ada, heard, key = Person(session=session, owner="ada"), Heard(), fresh_key()
        hearing = await begun(ada, stopping.base, heard, words(1200), key)
        stopping.send(signal.SIGTERM)
        await asyncio.sleep(1)
        assert stopping.running
        stopping.send(signal.SIGTERM)
        code, seconds = await ended(stopping)
        await hearing
        assert (code, heard.ending) == (0, "interrupted")
        assert seconds < 4
        assert (await ada.ask(staying, words(1200), key)).body["turn_id"] == heard.turn_id


async def test_whoever_comes_while_a_server_stops_is_told_to_go_elsewhere(stopping: Server) -> None:
    address = "127.0.0.1", stopping.port
    async with talking() as session:
        ada, heard = Person(session=session, owner="ada"), Heard()
        hearing = await begun(ada, stopping.base, heard, words(400), fresh_key())
        with (
            socket.create_connection(address, timeout=10) as idle,
            socket.create_connection(address, timeout=10) as half,
        ):
            half.sendall(
                b"POST /chat HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 15\r\n\r\n"
            )
            await asyncio.sleep(0.2)
            stopping.send(signal.SIGTERM)
            await asyncio.sleep(0.5)
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(address, timeout=5)
            assert idle.recv(100) == b""
            half.sendall(b'{"message":"m"}')
            head, _, body = everything(half).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 503")
        assert b"connection: close" in head.lower()
        assert b"retry-after: 1" in head.lower()
        assert b"/problems/overloaded" in body
        await ended(stopping)
        await hearing
        assert heard.ending == "interrupted"


def everything(connection: socket.socket) -> bytes:
    """Return what is sent until the connection is closed."""
    received = b""
    while part := connection.recv(65536):
        received += part
    return received


async def test_those_who_wait_for_a_turn_of_another_server_are_told_in_words(
    stopping: Server, staying: str
) -> None:
    async with talking() as session:
        ada, elsewhere, key = Person(session=session, owner="ada"), Heard(), fresh_key()
        hearing = await begun(ada, staying, elsewhere, words(400), key)
        followed = Heard()
        followed.turn_id, followed.last_id = elsewhere.turn_id, elsewhere.last_id

        async def follow() -> None:
            async with ada.resume(stopping.base, followed) as response:
                await followed.listen_to_the_end(response)

        following = asyncio.create_task(follow())
        waiting = asyncio.create_task(ada.ask(stopping.base, words(400), key))
        await asyncio.sleep(1)
        stopping.send(signal.SIGTERM)
        code, seconds = await ended(stopping)
        await following
        answer = await waiting
        assert (code, followed.ending) == (0, "error")
        assert followed.last["problem"]["type"] == "/problems/overloaded"
        assert followed.last["problem"]["retryable"] is True
        assert (answer.status, answer.problem) == (503, "overloaded")
        assert seconds < 9
        await ada.cancel(staying, elsewhere)
        await hearing


async def test_readers_that_read_nothing_and_bodies_that_never_come_do_not_hold_a_server_up(
    stopping: Server,
) -> None:
    with (
        socket.create_connection(("127.0.0.1", stopping.port), timeout=10) as stuck,
        socket.create_connection(("127.0.0.1", stopping.port), timeout=10) as slow,
    ):
        stuck.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        body = b'{"message":"%b"}' % words(20_000).encode()
        stuck.sendall(
            b"POST /chat HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
            b"accept: text/event-stream\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)
        )
        slow.sendall(
            b"POST /chat HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 15\r\n\r\n{"
        )
        await asyncio.sleep(1)
        stopping.send(signal.SIGTERM)
        code, seconds = await ended(stopping)
    assert code == 0
    assert seconds < 12


async def test_a_silent_database_does_not_keep_a_server_from_ending(machine: Rig, stopping: Server) -> None:
    async with talking() as session:
        ada, heard = Person(session=session, owner="ada"), Heard()
        hearing = await begun(ada, stopping.base, heard, words(400), fresh_key())
        machine.freeze_postgres(frozen=True)
        try:
            stopping.send(signal.SIGTERM)
            code, seconds = await ended(stopping)
            await hearing
        finally:
            machine.freeze_postgres(frozen=False)
        assert (code, heard.ending) == (0, "error")
        assert heard.last["problem"]["type"] == "/problems/database-unavailable"
        assert seconds < 20
