"""What of OpenAI's chat completions is written and read: a request as bytes, and of an answer only what counts.

Source: OpenAI API reference, "Chat", and the providers that say they are compatible with it.
"""

import json

import msgspec

from chatcore.errors import ModelFailed
from chatcore.prompt import Prompt
from chatcore.turn import Usage

_LARGEST_COUNT = 2**31 - 1
_NOTHING = msgspec.Raw(b"")
_encode = msgspec.json.Encoder().encode


class Said(msgspec.Struct):
    """What a choice says, or that it will not say it."""

    content: str | None = None
    refusal: str | None = None


class Choice(msgspec.Struct):
    """One reply, or a piece of it."""

    delta: Said | None = None
    message: Said | None = None
    finish_reason: str | None = None


class Frame(msgspec.Struct):
    """A completion, or a chunk of one. Usage and error come in too many shapes to fail over."""

    choices: list[Choice] | None = None
    usage: msgspec.Raw = _NOTHING
    error: msgspec.Raw = _NOTHING


class Counts(msgspec.Struct):
    """What a completion cost, in tokens."""

    prompt_tokens: int
    completion_tokens: int


_frames = msgspec.json.Decoder(Frame)
_counts = msgspec.json.Decoder(Counts)


def encoded(prompt: Prompt, *, model: str, streamed: bool) -> bytes:
    """Return the body of a request."""
    body: dict[str, object] = {
        "model": model,
        "messages": [{"role": role, "content": content} for role, content in prompt.messages()],
    }
    if streamed:
        body["stream"] = True
        body["stream_options"] = {"include_usage": True}
    return _encode(body)


def decoded(frame: bytes) -> Frame:
    r"""Return a frame; half of a surrogate pair, `"\ud83d"`, is text here and mended later.

    Raises:
        ModelFailed: it is no completion.
    """
    try:
        return _frames.decode(frame)
    except msgspec.ValidationError as error:
        raise ModelFailed("the model sent something that is no reply") from error
    except (ValueError, RecursionError) as error:
        return _with_surrogates(frame, error)


def usage_of(raw: msgspec.Raw) -> Usage | None:
    """Return what a completion cost, or None where that is not said in a way that can be true."""
    try:
        counts = _counts.decode(raw)
    except ValueError:
        return None
    if not all(0 <= count <= _LARGEST_COUNT for count in (counts.prompt_tokens, counts.completion_tokens)):
        return None
    return Usage(input_tokens=counts.prompt_tokens, output_tokens=counts.completion_tokens)


def present(raw: msgspec.Raw) -> bool:
    """Return whether a member is there and is not null."""
    return raw is not _NOTHING and bytes(raw) != b"null"


def _with_surrogates(frame: bytes, error: Exception) -> Frame:
    """Decode what msgspec will not: escapes of lone surrogates, which the standard library lets pass."""
    if b"\\ud" not in frame.lower():
        raise ModelFailed("the model sent something that is not JSON") from error
    try:
        loaded = json.loads(frame)
        return msgspec.convert({**loaded, "usage": _NOTHING, "error": _NOTHING}, Frame)
    except (ValueError, TypeError, RecursionError) as second:
        raise ModelFailed("the model sent something that is not JSON") from second
