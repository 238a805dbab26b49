"""A call of a provider from the first byte to the last, whoever puts the request together."""

from abc import abstractmethod
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

import aiohttp

from adapters.openai.endpoint import FAULTS
from adapters.openai.provider import Answer, Connection
from chatcore.deadline import Deadline
from chatcore.errors import ModelFailed, ModelTimedOut, ModelUnavailable


class Client(Protocol):
    """Puts requests together and sends them."""

    @abstractmethod
    async def send(self, body: bytes) -> aiohttp.ClientResponse:
        """Return the answer to a request for a chat completion once its head is there.

        Raises:
            ChatError: it is not of status 200.
            Exception: one of `FAULTS`, there was no answer.
        """

    @abstractmethod
    async def close(self) -> None:
        """Close every connection."""


class ByteAnswer(Answer):
    """An answer of status 200; `whole` once it was read to its end."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        """Take what there is of the answer."""
        self._response = response
        self._content = response.content
        self.whole = False

    @property
    def content_type(self) -> str:
        """See the protocol."""
        return self._response.headers.get("content-type", "")

    async def read(self, deadline: Deadline) -> bytes:
        """See the protocol."""
        try:
            chunk = await deadline.wait(self._content.readany())
        except TimeoutError as error:
            raise ModelTimedOut("the model's reply took too long") from error
        except FAULTS as error:
            raise ModelFailed("the model's reply broke off") from error
        self.whole = not chunk
        return chunk


class ClientConnection(Connection):
    """A client and its connections."""

    def __init__(self, client: Client) -> None:
        """Take who sends; whoever closes the connection closes the client."""
        self._client = client
        self._idle = 0

    @asynccontextmanager
    async def complete(self, body: bytes, deadline: Deadline) -> AsyncIterator[Answer]:
        """See the protocol."""
        response = await self._asked(body, deadline)
        answer = ByteAnswer(response)
        try:
            yield answer
        finally:
            # An answer that was read to its end has given its connection back already.
            response.close()
        self._idle += answer.whole

    async def close(self) -> None:
        """See the protocol."""
        await self._client.close()

    async def _asked(self, body: bytes, deadline: Deadline) -> aiohttp.ClientResponse:
        try:
            return await deadline.wait(self._sent(body))
        except aiohttp.ServerTimeoutError as error:
            raise ModelUnavailable("the model provider cannot be reached") from error
        except TimeoutError as error:
            raise ModelTimedOut("the model did not answer in time") from error
        except FAULTS as error:
            raise ModelUnavailable("the model provider cannot be reached") from error

    async def _sent(self, body: bytes) -> aiohttp.ClientResponse:
        """Send a request, once more where an idle connection was closed as it was used again.

        Source: RFC 9112, 9.3.1. Of idle connections there are at most as many as answers were read to their
        end, so that a provider that is down is not asked twice by every call.
        """
        stale = self._idle > 0
        self._idle -= stale
        try:
            return await self._client.send(body)
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError) as error:
            # A connection that never was is no idle one.
            if not stale or isinstance(error, aiohttp.ClientConnectorError):
                raise
        return await self._client.send(body)
