"""The seam to the SDK: what the model needs of a connection, so that the SDK is imported when one is made."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol


class Answer(Protocol):
    """An accepted call; the deadlines are times of the event loop."""

    @property
    def content_type(self) -> str:
        """What type of content comes."""

    async def read(self, deadline: float) -> bytes:
        """Return the next bytes; none at the end.

        Raises:
            ModelFailed: the connection broke.
            ModelTimedOut: nothing came until the deadline.
        """


class Connection(Protocol):
    """A pool of connections to a provider."""

    def complete(self, body: bytes, deadline: float) -> AbstractAsyncContextManager[Answer]:
        """Ask for a chat completion; leaving the context ends the call.

        Raises:
            ModelUnavailable: the provider cannot be reached.
            ModelTimedOut: it did not answer until the deadline.
            ChatError: whatever else its refusal means.
        """

    async def close(self) -> None:
        """Close every connection."""


Connect = Callable[[], Connection]


def connector(*, api_key: str, base_url: str | None, connections: int) -> Connect:
    """Return what connects to a provider; the first call imports the SDK, which takes a second."""

    def connect() -> Connection:
        from adapters.openai.connection import SdkConnection  # noqa: PLC0415 - late, for the second it takes

        return SdkConnection(api_key=api_key, base_url=base_url, connections=connections)

    return connect
