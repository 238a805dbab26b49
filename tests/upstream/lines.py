"""Faults of the connection: it is cut, it hangs, or it trickles."""

import asyncio

from tests.upstream.wire import EVENT_STREAM, JSON, SECRET, Wire, for_ever


async def reset_at_once(wire: Wire) -> None:
    wire.reset()


async def close_at_once(wire: Wire) -> None:
    wire.finish()


async def garbage(wire: Wire) -> None:
    await wire.raw(b"\x16\x03\x01" + SECRET.encode() + b"\r\n\r\n")
    wire.finish()


async def reset_in_reply(wire: Wire) -> None:
    await wire.begin()
    await asyncio.sleep(0.05)
    wire.reset()


async def close_in_reply(wire: Wire) -> None:
    await wire.begin()
    wire.finish()


async def close_in_unframed_reply(wire: Wire) -> None:
    await wire.begin(connection="close")


async def end_in_reply(wire: Wire) -> None:
    await wire.begin()
    await wire.end()


async def hang(wire: Wire) -> None:
    del wire
    await for_ever()


async def hang_before_first_token(wire: Wire) -> None:
    await wire.head(kind=EVENT_STREAM if wire.request.streamed else JSON)
    await for_ever()


async def hang_after_first_token(wire: Wire) -> None:
    await wire.begin()
    await for_ever()


async def trickle_head(wire: Wire) -> None:
    for byte in b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nx-slow: " + 10_000 * b"x":
        await wire.raw(bytes([byte]))
        await asyncio.sleep(0.05)


async def trickle_body(wire: Wire) -> None:
    await wire.begin()
    for byte in 10_000 * b"data: ":
        await wire.body(bytes([byte]))
        await asyncio.sleep(0.05)


async def pings(wire: Wire, gap: float) -> None:
    await wire.head(kind=EVENT_STREAM)
    while True:
        await wire.body(b": ping\n\n")
        await asyncio.sleep(gap)
