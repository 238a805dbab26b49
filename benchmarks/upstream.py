"""A stub of an OpenAI-compatible model in a process of its own, cheap enough never to be what is measured.

`python -m benchmarks.upstream --port 9000 [--delay 1.0] [--chunks 64] [--gap 0.01]` answers
`POST /v1/chat/completions`, whole or streamed, at once or after a delay. A call may ask for its own
delay with `?delay=` or an `X-Delay` header (seconds). `GET /stats` counts, `POST /settings` changes
the options while it runs.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields
from typing import cast
from urllib.parse import parse_qs

import uvloop

from benchmarks.completions import completion, delta, ending, opening, response

COMPLETIONS = b"/v1/chat/completions"
Step = Callable[[bytes], None]
WORD = "answer "
CHARACTERS_PER_TOKEN = 4


@dataclass(slots=True, kw_only=True)
class Options:
    """How the stub answers. Times in seconds; a stream has `chunks` deltas, `gap` apart."""

    delay: float = 0.0
    chunks: int = 64
    gap: float = 0.01


@dataclass(slots=True, kw_only=True)
class Stats:
    """What was asked of the stub so far."""

    calls: int = 0
    streams: int = 0
    input_tokens: int = 0
    output_tokens: int = 0


class Upstream:
    """The stub's state, shared by its connections, with the bytes of its answers made beforehand."""

    def __init__(self, options: Options) -> None:
        """Prepare the answers for these options."""
        self.options = options
        self.stats = Stats()
        self._prepare()

    def change(self, wanted: dict[str, float]) -> None:
        """Take over new options."""
        known = {field.name: field.type for field in fields(Options)}
        for name, value in wanted.items():
            setattr(self.options, name, int(value) if known[name] is int else float(value))
        self._prepare()

    def _prepare(self) -> None:
        self.delta, self.opening = delta(WORD), opening()
        self.answer = WORD * self.options.chunks

    def count(self, body: bytes, *, streamed: bool) -> dict[str, int]:
        """Count a call and return its usage."""
        tokens_in, tokens_out = len(body) // CHARACTERS_PER_TOKEN, self.options.chunks
        self.stats.calls += 1
        self.stats.streams += streamed
        self.stats.input_tokens += tokens_in
        self.stats.output_tokens += tokens_out
        return {
            "prompt_tokens": tokens_in,
            "completion_tokens": tokens_out,
            "total_tokens": tokens_in + tokens_out,
        }


class Connection(asyncio.Protocol):
    """One keep-alive connection: requests in, answers out, in order."""

    def __init__(self, upstream: Upstream) -> None:
        """Belong to a stub."""
        self._upstream = upstream
        self._loop = asyncio.get_running_loop()
        self._buffer = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way out."""
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop what still streams to it."""
        del exc
        self._transport = None

    def data_received(self, data: bytes) -> None:
        """Answer every request that is whole."""
        buffer = self._buffer + data if self._buffer else data
        while (head_end := buffer.find(b"\r\n\r\n")) >= 0:
            head = buffer[:head_end]
            length = int(_header(head, b"content-length") or 0)
            request_end = head_end + 4 + length
            if len(buffer) < request_end:
                break
            self._answer(head, buffer[head_end + 4 : request_end])
            buffer = buffer[request_end:]
        self._buffer = buffer

    def _answer(self, head: bytes, body: bytes) -> None:
        method, target, _ = head.split(b"\r\n", 1)[0].split(b" ", 2)
        path, _, query = target.partition(b"?")
        if path == COMPLETIONS:
            self._complete(head, query, body)
        elif path == b"/stats":
            self._write(response(asdict(self._upstream.stats)))
        elif path == b"/settings" and method == b"POST":
            self._upstream.change(json.loads(body))
            self._write(response(asdict(self._upstream.options)))
        elif path == b"/health":
            self._write(response({"status": "healthy"}))
        else:
            self._write(response({"error": {"message": "no such route"}}, b"404 Not Found"))

    def _complete(self, head: bytes, query: bytes, body: bytes) -> None:
        # Quotes inside a JSON string are escaped, so these bytes are the member and never a message's text.
        streamed = b'"stream":true' in body or b'"stream": true' in body
        with_usage = b'"include_usage":true' in body or b'"include_usage": true' in body
        usage = self._upstream.count(body, streamed=streamed)
        delay = _delay(head, query, self._upstream.options.delay)
        if streamed:
            self._later(delay, self._open_stream, ending(usage, with_usage=with_usage))
        else:
            self._later(delay, self._write, completion(self._upstream.answer, usage))

    def _later(self, delay: float, step: Step, argument: bytes) -> None:
        if delay > 0:
            self._loop.call_later(delay, step, argument)
        else:
            step(argument)

    def _open_stream(self, end: bytes) -> None:
        self._write(self._upstream.opening)
        self._stream(end, self._upstream.options.chunks)

    def _stream(self, end: bytes, left: int) -> None:
        if self._transport is None:
            return
        if left == 0:
            self._write(end)
            return
        self._write(self._upstream.delta)
        self._loop.call_later(self._upstream.options.gap, self._stream, end, left - 1)

    def _write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until a signal."""
    parser = argparse.ArgumentParser(
        prog="benchmarks.upstream", description="a stub of an OpenAI-compatible model"
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=9000)
    parser.add_argument("--delay", type=float, default=0.0, help="seconds before an answer or a stream begins")
    parser.add_argument("--chunks", type=int, default=64, help="deltas of a stream, words of an answer")
    parser.add_argument("--gap", type=float, default=0.01, help="seconds between two deltas")
    chosen = parser.parse_args(arguments)
    options = Options(delay=chosen.delay, chunks=chosen.chunks, gap=chosen.gap)
    uvloop.run(_serve(chosen.host, chosen.port, Upstream(options)))
    return 0


async def _serve(host: str, port: int, upstream: Upstream) -> None:
    server = await asyncio.get_running_loop().create_server(
        lambda: Connection(upstream), host, port, backlog=4096
    )
    async with server:
        await server.serve_forever()


def _header(head: bytes, name: bytes) -> bytes | None:
    lowered = head.lower()
    start = lowered.find(b"\r\n" + name + b":")
    if start < 0:
        return None
    start += len(name) + 3
    end = head.find(b"\r\n", start)
    return head[start : end if end >= 0 else len(head)].strip()


def _delay(head: bytes, query: bytes, default: float) -> float:
    if query and (asked := parse_qs(query.decode()).get("delay")):
        return float(asked[0])
    if asked_header := _header(head, b"x-delay"):
        return float(asked_header)
    return default


if __name__ == "__main__":
    sys.exit(main())
