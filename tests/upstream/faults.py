"""Everything that a provider has been seen to do, by name; each sends its bytes and returns."""

import asyncio
import gzip
from collections.abc import Awaitable, Callable, Mapping
from functools import cache, partial

from tests.upstream import lines
from tests.upstream.wire import (
    EVENT_STREAM,
    JSON,
    SECRET,
    Wire,
    choice,
    completion,
    delta,
    encoded,
    for_ever,
    frame,
    whole,
)

DONE = frame(b"[DONE]")
TEXT = "Once upon a time."
Fault = Callable[[Wire], Awaitable[None]]


async def _redirect(wire: Wire) -> None:
    await wire.answer(b"", "302 Found", location="/elsewhere")


async def _refuse(wire: Wire, status: str, code: str | None = None, wait: str | None = None) -> None:
    await wire.refuse(status, code, **({} if wait is None else {"retry_after": wait}))


async def _gemini_rate_limit(wire: Wire) -> None:
    details = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34.5s"}]
    error = {"code": 429, "message": SECRET, "status": "RESOURCE_EXHAUSTED", "details": details}
    await wire.answer(encoded([{"error": error}]), "429 Too Many Requests")


async def _prose_too_long(wire: Wire) -> None:
    said = f"This model's maximum context length is 8192 tokens. {SECRET}"
    await wire.answer(encoded({"object": "error", "message": said, "code": 400}), "400 Bad Request")


async def _no_content(wire: Wire) -> None:
    await wire.raw(b"HTTP/1.1 204 No Content\r\n\r\n")


async def _endless_refusal(wire: Wire) -> None:
    await wire.head("500 Internal Server Error")
    while True:
        await wire.body(SECRET.encode() * 4096)


async def _page(wire: Wire) -> None:
    await wire.answer(f"<!doctype html><p>{SECRET}".encode(), kind="text/html")


async def _other_kind(wire: Wire) -> None:
    if wire.request.streamed:
        await wire.answer(whole(TEXT))
    else:
        await wire.stream(delta(TEXT), delta(None, "stop"), DONE)


async def _empty_body(wire: Wire) -> None:
    await wire.answer(b"", kind=EVENT_STREAM if wire.request.streamed else JSON)


async def _frames(wire: Wire, *frames: bytes, body: bytes | None = None) -> None:
    """Stream the frames, or answer with the body in place of them."""
    if wire.request.streamed:
        await wire.stream(*frames)
    else:
        await wire.answer(whole(TEXT) if body is None else body)


async def _endless_text(wire: Wire) -> None:
    piece = delta("many words " * 100)
    await wire.begin()
    while True:
        await wire.body(piece if wire.request.streamed else b"x" * 10_000)


async def _endless_line(wire: Wire) -> None:
    await wire.begin()
    while True:
        await wire.body(b"data: " + b"x" * 65_536)


@cache
def _compressed() -> bytes:
    return gzip.compress(b'{"choices":[{"message":{"content":"') + 100 * gzip.compress(b"x" * 1_000_000)


async def _bomb(wire: Wire, status: str) -> None:
    await wire.answer(_compressed(), status, kind=EVENT_STREAM, content_encoding="gzip")


async def _choices_bomb(wire: Wire) -> None:
    await wire.head(kind=EVENT_STREAM if wire.request.streamed else JSON)
    await wire.body(b'data: {"choices":[' if wire.request.streamed else b'{"choices":[')
    for _ in range(1_000):
        await wire.body(b"{}," * 20_000)


async def _hang_after_end(wire: Wire) -> None:
    await wire.head(kind=EVENT_STREAM)
    for each in (delta(TEXT), delta(None, "stop")):
        await wire.body(each)
    await for_ever()


async def _hang_up_after_end(wire: Wire) -> None:
    """Close the connection behind a whole answer without a word, as llama.cpp does."""
    await _frames(wire, delta(TEXT), delta(None, "stop"), DONE)
    await asyncio.sleep(0.05)
    wire.finish()


async def _refusal(wire: Wire) -> None:
    said = {"role": "assistant", "content": None, "refusal": SECRET}
    member = "delta" if wire.request.streamed else "message"
    payload = encoded(completion([{member: said, "finish_reason": "stop"}], streamed=True))
    await _frames(wire, frame(payload), DONE, body=payload)


def _said(*texts: str | None, finish: str = "stop") -> Fault:
    """Return an answer of these pieces that ends as it should."""
    joined = "".join(text or "" for text in texts)
    frames = [*map(delta, texts), delta(None, finish), DONE]
    return partial(_any_frames, frames, whole(joined, finish))


async def _any_frames(frames: list[bytes], body: bytes, wire: Wire) -> None:
    await _frames(wire, *frames, body=body)


def _usage(usage: object) -> Fault:
    frames = [
        delta(TEXT),
        delta(None, "stop"),
        frame(encoded(completion([], streamed=True, usage=usage))),
        DONE,
    ]
    return partial(_any_frames, frames, whole(TEXT, usage=usage))


def _payload(payload: bytes) -> Fault:
    """Return an answer that says a piece and then this, or this alone where it is not streamed."""
    return partial(_any_frames, [delta("Once "), frame(payload), delta(None, "stop"), DONE], payload)


def _escaped(*halves: bytes) -> Fault:
    """Return an answer whose pieces are JSON strings as they stand."""
    frames = [b'data: {"choices":[{"delta":{"content":"' + half + b'"}}]}\n\n' for half in halves]
    body = b'{"choices":[{"message":{"content":"' + b"".join(halves) + b'"}}]}'
    return partial(_any_frames, [*frames, delta(None, "stop"), DONE], body)


FAULTS: Mapping[str, Fault] = {
    "reset-at-once": lines.reset_at_once,
    "close-at-once": lines.close_at_once,
    "garbage": lines.garbage,
    "reset-in-reply": lines.reset_in_reply,
    "close-in-reply": lines.close_in_reply,
    "close-in-unframed-reply": lines.close_in_unframed_reply,
    "end-in-reply": lines.end_in_reply,
    "hang": lines.hang,
    "hang-before-first-token": lines.hang_before_first_token,
    "hang-after-first-token": lines.hang_after_first_token,
    "trickle-head": lines.trickle_head,
    "trickle-body": lines.trickle_body,
    "pings": partial(lines.pings, gap=0.05),
    "ping-storm": partial(lines.pings, gap=0.0),
    "redirect": _redirect,
    "bad-request": partial(_refuse, status="400 Bad Request"),
    "context-too-long": partial(_refuse, status="400 Bad Request", code="context_length_exceeded"),
    "prose-too-long": _prose_too_long,
    "filtered-prompt": partial(_refuse, status="400 Bad Request", code="content_filter"),
    "unauthorized": partial(_refuse, status="401 Unauthorized", code="invalid_api_key"),
    "forbidden": partial(_refuse, status="403 Forbidden"),
    "not-found": partial(_refuse, status="404 Not Found", code="model_not_found"),
    "too-large": partial(_refuse, status="413 Payload Too Large"),
    "rate-limited": partial(_refuse, status="429 Too Many Requests", wait="7"),
    "rate-limited-for-a-day": partial(_refuse, status="429 Too Many Requests", wait="86400"),
    "rate-limited-without-end": partial(_refuse, status="429 Too Many Requests"),
    "rate-limited-nonsense": partial(_refuse, status="429 Too Many Requests", wait="nan"),
    "rate-limited-gemini": _gemini_rate_limit,
    "quota": partial(_refuse, status="429 Too Many Requests", code="insufficient_quota", wait="7"),
    "server-error": partial(_refuse, status="500 Internal Server Error"),
    "bad-gateway": partial(_refuse, status="502 Bad Gateway"),
    "unavailable": partial(_refuse, status="503 Service Unavailable", wait="3"),
    "endless-refusal": _endless_refusal,
    "bomb-refusal": partial(_bomb, status="500 Internal Server Error"),
    "page": _page,
    "other-kind": _other_kind,
    "empty-body": _empty_body,
    "no-content": _no_content,
    "malformed-frame": _payload(b'{"choices": [{"delta": {"content": "upon '),
    "not-utf8": _payload(b'{"choices": [{"delta": {"content": "\xff\xfe"}}]}'),
    "wrong-shape": _payload(b'{"choices": {"delta": 7}}'),
    "deep": _payload(b'{"a":' * 50_000),
    "error-frame": _payload(encoded({"error": {"message": SECRET, "code": None}})),
    "error-frame-rate-limit": _payload(encoded({"error": {"message": SECRET, "code": "rate_limit_exceeded"}})),
    "error-frame-status": _payload(encoded({"error": {"message": SECRET, "code": 503}})),
    "endless-text": _endless_text,
    "endless-line": _endless_line,
    "bomb": partial(_bomb, status="200 OK"),
    "choices-bomb": _choices_bomb,
    "filtered-reply": _said("Once ", "upon", finish="content_filter"),
    "refusal": _refusal,
    "empty-reply": _said(""),
    "blank-reply": _said(" \n"),
    "length": _said("Once ", "upon", finish="length"),
    "null-delta": _payload(encoded(completion([choice(None, None, streamed=True)], streamed=True))),
    "null-choices": _payload(encoded(completion(None, streamed=True))),
    "nul": _escaped(b"a\\u0000", b"b"),
    "lone-surrogate": _escaped(b"a\\ud83d", b"b\\udc00"),
    "split-surrogate": _escaped(b"a\\ud83d", b"\\ude00b"),
    "no-done": partial(_any_frames, [delta(TEXT), delta(None, "stop")], whole(TEXT)),
    "hang-after-end": _hang_after_end,
    "hang-up-after-end": _hang_up_after_end,
    "no-usage": _said(TEXT),
    "absurd-usage": _usage({"prompt_tokens": 10**30, "completion_tokens": -1}),
    "strange-usage": _usage("plenty"),
}
PASSING = (
    "reset-at-once",
    "close-at-once",
    "reset-in-reply",
    "close-in-reply",
    "end-in-reply",
    "server-error",
    "bad-gateway",
    "page",
    "empty-body",
    "malformed-frame",
    "not-utf8",
    "error-frame",
    "empty-reply",
)
"""Those that are over at once and may pass when the same is asked again."""
