"""Bytes of HTTP and of chat completions, down to half a frame."""

import asyncio
import json
import socket
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

EVENT_STREAM = "text/event-stream"
JSON = "application/json"
SECRET = "sk-upstream-secret-Traceback"
"""Stands in everything that this upstream says about its own faults, and must never be seen by a client."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One call."""

    headers: Mapping[str, str]
    body: dict[str, Any]

    @property
    def model(self) -> str:
        return str(self.body.get("model", ""))

    @property
    def streamed(self) -> bool:
        return bool(self.body.get("stream"))

    @property
    def wants_usage(self) -> bool:
        return bool((self.body.get("stream_options") or {}).get("include_usage"))

    @property
    def question(self) -> str:
        return str(self.body["messages"][-1]["content"])


def encoded(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")


def choice(text: str | None, finish: str | None, *, streamed: bool) -> dict[str, object]:
    said = {"role": "assistant", "content": text}
    return {"index": 0, "delta" if streamed else "message": said, "finish_reason": finish}


def completion(choices: object, *, streamed: bool, usage: object = None) -> dict[str, object]:
    kind = "chat.completion.chunk" if streamed else "chat.completion"
    return {"id": "chatcmpl-1", "object": kind, "created": 1, "model": "m", "choices": choices, "usage": usage}


def frame(payload: bytes) -> bytes:
    return b"data: " + payload + b"\n\n"


def delta(text: str | None, finish: str | None = None) -> bytes:
    return frame(encoded(completion([choice(text, finish, streamed=True)], streamed=True)))


def whole(text: str | None, finish: str | None = "stop", usage: object = None) -> bytes:
    return encoded(completion([choice(text, finish, streamed=False)], streamed=False, usage=usage))


class Wire:
    """What is written to one client in answer to one call."""

    def __init__(self, writer: asyncio.StreamWriter, request: Request) -> None:
        self._writer = writer
        self._chunked = False
        self.request = request
        self.keep_alive = True

    async def raw(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def head(self, status: str = "200 OK", kind: str = JSON, **headers: str) -> None:
        """Begin an answer; without a length it is chunked."""
        lines = {"content-type": kind} | {name.replace("_", "-"): value for name, value in headers.items()}
        self._chunked = "content-length" not in lines and lines.get("connection") != "close"
        self.keep_alive = lines.get("connection") != "close"
        if self._chunked:
            lines["transfer-encoding"] = "chunked"
        fields = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        await self.raw(f"HTTP/1.1 {status}\r\n{fields}\r\n".encode())

    async def body(self, data: bytes) -> None:
        await self.raw(b"%x\r\n%b\r\n" % (len(data), data) if self._chunked else data)

    async def end(self) -> None:
        if self._chunked:
            await self.raw(b"0\r\n\r\n")

    async def answer(self, body: bytes, status: str = "200 OK", kind: str = JSON, **headers: str) -> None:
        """Send a whole answer."""
        await self.head(status, kind, content_length=str(len(body)), **headers)
        await self.raw(body)

    async def stream(self, *frames: bytes, gap: float = 0.0, **headers: str) -> None:
        """Send an event stream to its end."""
        await self.head(kind=EVENT_STREAM, **headers)
        for each in frames:
            await self.body(each)
            if gap:
                await asyncio.sleep(gap)
        await self.end()

    async def begin(self, text: str = "Once upon ", **headers: str) -> None:
        """Send the beginning of a reply, as it was asked for, and leave it open."""
        if self.request.streamed:
            await self.head(kind=EVENT_STREAM, **headers)
            await self.body(delta(text))
        else:
            await self.head(**headers)
            await self.body(whole(text)[:-20])

    async def refuse(self, status: str, code: str | None = None, **headers: str) -> None:
        """Send an error as OpenAI does, with words that nobody may see."""
        error = {"message": f"{SECRET} {self.request.question}", "type": "some_error", "code": code}
        await self.answer(encoded({"error": error}), status, **headers)

    def finish(self) -> None:
        """Close without saying that this is the end."""
        self.keep_alive = False

    def reset(self) -> None:
        """Cut the connection with RST."""
        self.keep_alive = False
        raw: socket.socket = self._writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()


async def for_ever() -> None:
    await asyncio.Event().wait()
