"""The bytes of an OpenAI-compatible model's answers, whole and streamed."""

import json

STATUS_OK = b"200 OK"
END_OF_CHUNKS = b"0\r\n\r\n"
EVENT_STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
    b"cache-control: no-cache\r\ntransfer-encoding: chunked\r\n\r\n"
)


def delta(text: str) -> bytes:
    """Return a chunk with a piece of the answer."""
    return _chunk([{"index": 0, "delta": {"content": text}, "finish_reason": None}])


def opening() -> bytes:
    """Return the head of a streamed answer and its first chunk, which says who speaks."""
    return EVENT_STREAM_HEAD + _chunk(
        [{"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}]
    )


def ending(usage: dict[str, int], *, with_usage: bool) -> bytes:
    """Return the chunks that end a streamed answer."""
    stop = _chunk([{"index": 0, "delta": {}, "finish_reason": "stop"}])
    billed = _chunk([], usage=usage) if with_usage else b""
    return stop + billed + _chunked(b"data: [DONE]\n\n") + END_OF_CHUNKS


def completion(answer: str, usage: dict[str, int]) -> bytes:
    """Return a whole answer."""
    choice = {"index": 0, "message": {"role": "assistant", "content": answer}, "finish_reason": "stop"}
    return response({**_envelope("chat.completion"), "choices": [choice], "usage": usage})


def response(content: object, status: bytes = STATUS_OK) -> bytes:
    """Return a response of JSON."""
    body = _encoded(content)
    head = b"HTTP/1.1 %b\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % (status, len(body))
    return head + body


def _chunk(choices: list[dict[str, object]], **more: object) -> bytes:
    content = {**_envelope("chat.completion.chunk"), "choices": choices, **more}
    return _chunked(b"data: " + _encoded(content) + b"\n\n")


def _chunked(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def _envelope(kind: str) -> dict[str, object]:
    return {"id": "chatcmpl-stub", "object": kind, "created": 1_700_000_000, "model": "stub"}


def _encoded(content: object) -> bytes:
    return json.dumps(content, separators=(",", ":")).encode()
