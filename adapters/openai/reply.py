"""A reply as it comes in: from frames to text, until the provider says that it is complete. Pure and bounded."""

import re

from adapters.openai.errors import error_in_stream
from adapters.openai.framing import DONE, Body, EventStream, Framing
from adapters.openai.wire import Choice, decoded, present, usage_of
from chatcore.errors import ModelFailed, ModelRefused
from chatcore.text import mended, storable
from chatcore.turn import Usage

_FILTERED = frozenset(
    {"content_filter", "safety", "recitation", "blocklist", "prohibited_content", "spii", "sensitive"}
)
_ENVELOPE = 64 * 1024
"""Bytes of room for what comes along with the text of a line or body."""
_BYTES_PER_CHARACTER = 6
"""JSON may write a character as `\\uXXXX`."""
_BYTES_PER_FRAME = 1024
"""A stream may spend a frame on every character."""
_SURROGATE = re.compile("[\ud800-\udfff]")


class Reply:
    """Reads the bytes of one answer.

    `ended`: the provider has said all of the reply. `complete`: it has said that nothing else follows.
    `usage`: what it says the reply cost, if it does.
    """

    def __init__(self, content_type: str, *, longest: int) -> None:
        """Take what type of content comes, and how many characters the reply may have."""
        largest = _ENVELOPE + _BYTES_PER_CHARACTER * longest
        streams = content_type.lower().startswith("text/event-stream")
        self._framing: Framing = EventStream(largest) if streams else Body(largest)
        self._bytes_left = _ENVELOPE + _BYTES_PER_FRAME * longest
        self._left = longest
        self._half = ""
        self._blank = True
        self._refused = False
        self.ended = False
        self.complete = False
        self.usage: Usage | None = None

    def feed(self, data: bytes) -> str:
        """Return what these bytes add to the reply, often nothing.

        Raises:
            ModelFailed: they are no reply, or the reply is longer than it may be.
            ModelRefused: the provider withholds it.
            ChatError: whatever else the provider reports in place of it.
        """
        self._bytes_left -= len(data)
        if self._bytes_left < 0:
            raise ModelFailed("the model sent more than a reply")
        return self._text(self._framing.feed(data))

    def close(self) -> str:
        """Return what the end of the bytes adds to the reply.

        Raises:
            ModelFailed: the reply broke off, or is empty.
            ModelRefused: the model will not answer.
        """
        text = self._text([] if self.complete else self._framing.close()) + mended(self._half)
        if not (self.ended or self.complete):
            raise ModelFailed("the model's reply broke off")
        if self._blank and self._refused:
            raise ModelRefused("the model will not answer this")
        if self._blank:
            raise ModelFailed("the model's reply is empty")
        return text

    def _text(self, frames: list[bytes]) -> str:
        text = "".join([self._said(frame) for frame in frames if frame])
        self._left -= len(text)
        if self._left < 0:
            raise ModelFailed("the model's reply is longer than it may be")
        if self._blank and text and not text.isspace():
            self._blank = False
        return self._mended(text)

    def _said(self, frame: bytes) -> str:
        if self.complete or frame == DONE:
            self.complete = True
            return ""
        chunk = decoded(frame)
        if present(chunk.error):
            raise error_in_stream(frame)
        if present(chunk.usage):
            self.usage = usage_of(chunk.usage) or self.usage
        return self._chosen(chunk.choices[0]) if chunk.choices else ""

    def _chosen(self, choice: Choice) -> str:
        said = choice.delta or choice.message
        if choice.finish_reason in _FILTERED:
            raise ModelRefused("the model's reply was withheld by its content filter")
        if choice.finish_reason or choice.message is not None:
            self.ended = True
        if said is None:
            return ""
        self._refused = self._refused or bool(said.refusal)
        return said.content or ""

    def _mended(self, text: str) -> str:
        r"""Return the text as it can be stored; a surrogate pair may be split over two frames."""
        if self._half:
            text, self._half = self._half + text, ""
        if storable(text):
            return text
        if not _SURROGATE.search(text):
            return mended(text)
        if "\ud800" <= text[-1] <= "\udbff":
            text, self._half = text[:-1], text[-1]
        paired = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
        return mended(paired)
