"""The seam to the SDK: what the model needs of a connection."""

from contextlib import AbstractAsyncContextManager
from typing import Protocol

from chatcore.deadline import Deadline


class Answer(Protocol):
    """An accepted call."""

    @property
    def content_type(self) -> str:
        """What type of content comes."""

    async def read(self, deadline: Deadline) -> bytes:
        """Return the next bytes; none at the end.

        Raises:
            ModelFailed: the connection broke.
            ModelTimedOut: nothing came until the deadline.
        """


class Connection(Protocol):
    """A pool of connections to a provider."""

    def complete(self, body: bytes, deadline: Deadline) -> AbstractAsyncContextManager[Answer]:
        """Ask for a chat completion; leaving the context ends the call.

        Raises:
            ModelUnavailable: the provider cannot be reached.
            ModelTimedOut: it did not answer until the deadline.
            ChatError: whatever else its refusal means.
        """

    async def close(self) -> None:
        """Close every connection."""
