"""How a provider's bytes fall into frames: one per `data:` line of a stream, or one whole body. Pure and bounded.

Source: WHATWG HTML, server-sent events, of which OpenAI-compatible providers use so much: every `data:`
line is a JSON object of its own, and `[DONE]` is the last.
"""

from typing import Protocol

from chatcore.errors import ModelFailed

DONE = b"[DONE]"
_DATA = b"data:"


class Framing(Protocol):
    """Turns bytes, as they come, into frames."""

    def feed(self, data: bytes) -> list[bytes]:
        """Return the frames that these bytes complete.

        Raises:
            ModelFailed: a line or a body is larger than any reply.
        """

    def close(self) -> list[bytes]:
        """Return the frames that the end of the bytes completes."""


class EventStream(Framing):
    """Server-sent events."""

    def __init__(self, longest_line: int) -> None:
        """Take how many bytes one line may have."""
        self._longest_line = longest_line
        self._rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        """See the protocol."""
        lines, _, self._rest = (self._rest + data).rpartition(b"\n")
        if len(self._rest) > self._longest_line:
            raise ModelFailed("the model sent a line without an end")
        return [line[len(_DATA) :].strip() for line in lines.split(b"\n") if line.startswith(_DATA)]

    def close(self) -> list[bytes]:
        """See the protocol; a last line may lack its end."""
        return self.feed(b"\n")


class Body(Framing):
    """A whole answer; a stream that does not call itself one is taken as well."""

    def __init__(self, largest: int) -> None:
        """Take how many bytes the body may have."""
        self._largest = largest
        self._body = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """See the protocol."""
        if len(self._body) + len(data) > self._largest:
            raise ModelFailed("the model sent more than a reply")
        self._body += data
        return []

    def close(self) -> list[bytes]:
        """See the protocol."""
        body = bytes(self._body)
        if body.startswith((_DATA, b":", b"event:")):
            stream = EventStream(self._largest)
            return stream.feed(body) + stream.close()
        return [body]
