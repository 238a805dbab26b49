"""A reply is the same however its bytes are cut on their way."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.openai.reply import Reply
from chatcore.errors import ModelFailed
from chatcore.text import mended
from chatcore.turn import Usage

STREAM = "text/event-stream"
WITH_SURROGATES = st.text(st.characters(codec=None), max_size=30)


def chunk(text: str | None, finish: str | None = None) -> bytes:
    frame = {"choices": [{"delta": {"content": text}, "finish_reason": finish}]}
    return b"data: " + json.dumps(frame).encode() + b"\n\n"


def streamed(*texts: str) -> bytes:
    usage = b'data: {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 4}}\n\n'
    return b"".join(map(chunk, texts)) + chunk(None, "stop") + usage + b"data: [DONE]\n\n"


def read(reply: Reply, *parts: bytes) -> str:
    return "".join([reply.feed(part) for part in parts]) + reply.close()


def bytewise(data: bytes) -> list[bytes]:
    return [data[at : at + 1] for at in range(len(data))]


@given(st.lists(WITH_SURROGATES, min_size=1, max_size=5), st.data())
def test_the_cuts_of_the_network_do_not_show(texts: list[str], data: st.DataObject) -> None:
    raw = streamed("A", *texts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(raw)), max_size=6)))
    parts = [raw[start:end] for start, end in zip([0, *cuts], [*cuts, len(raw)], strict=True)]
    assert read(Reply(STREAM, longest=1_000), *parts) == read(Reply(STREAM, longest=1_000), raw)


@given(st.text(max_size=30))
def test_any_text_comes_through(text: str) -> None:
    reply = Reply(STREAM, longest=1_000)
    assert read(reply, *bytewise(streamed("A", *text))) == "A" + mended(text)
    assert reply.usage == Usage(input_tokens=3, output_tokens=4)


def test_a_surrogate_pair_that_is_split_over_two_frames_is_one_character() -> None:
    assert read(Reply(STREAM, longest=100), *bytewise(streamed("a\ud83d", "\ude00b"))) == "a\U0001f600b"


@pytest.mark.parametrize("texts", [("a\ud83d", "b"), ("a", "\ude00b"), ("a", "\ud83d", "", "b")])
def test_half_a_surrogate_pair_is_replaced(texts: tuple[str, ...]) -> None:
    assert read(Reply(STREAM, longest=100), *bytewise(streamed(*texts))) == "a\ufffdb"


def test_half_a_surrogate_pair_at_the_end_is_replaced() -> None:
    assert read(Reply(STREAM, longest=100), streamed("a", "\ud83d")) == "a\ufffd"


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
def test_lines_end_as_they_like(line_end: bytes) -> None:
    assert read(Reply(STREAM, longest=100), streamed("a", "b").replace(b"\n", line_end)) == "ab"


def test_a_last_line_without_an_end_is_read() -> None:
    assert read(Reply(STREAM, longest=100), chunk("a") + chunk(None, "stop").strip()) == "a"


def test_what_follows_the_end_is_not_read() -> None:
    assert read(Reply(STREAM, longest=100), streamed("a") + chunk("b") + b"data: {nonsense\n\n") == "a"


def test_a_reply_may_be_as_long_as_it_may_and_no_longer() -> None:
    assert read(Reply(STREAM, longest=10), streamed("x" * 5, "y" * 5)) == "xxxxxyyyyy"
    with pytest.raises(ModelFailed, match="longer"):
        read(Reply(STREAM, longest=10), streamed("x" * 5, "y" * 6))


def test_pings_without_end_have_an_end() -> None:
    reply = Reply(STREAM, longest=10)
    with pytest.raises(ModelFailed, match="more than a reply"):
        read(reply, *[b": ping\n\n" * 1_000] * 1_000)


def test_a_body_may_spend_six_bytes_on_a_character() -> None:
    body = b'{"choices": [{"message": {"content": "' + b"\\u00e9" * 10_000 + b'"}}]}'
    assert read(Reply("application/json", longest=10_000), body) == "é" * 10_000
