"""The SDK's client, asked for bytes and giving bytes, so that neither side walks or builds its objects.

Importing the SDK takes a second: only what connects imports this module.
"""

import logging
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager

import aiohttp
import httpx2
import openai

from adapters.openai.errors import error_of
from adapters.openai.provider import Answer, Connection
from chatcore.deadline import Deadline
from chatcore.errors import ModelFailed, ModelTimedOut, ModelUnavailable

_log = logging.getLogger(__name__)
_CONNECT_SECONDS = 10.0
_IDLE_SECONDS = 30.0
_LARGEST_ERROR = 64 * 1024
_FAULTS = (openai.OpenAIError, httpx2.HTTPError, httpx2.InvalidURL, aiohttp.ClientError, OSError, ValueError)


class SdkAnswer(Answer):
    """An answer of status 200; `whole` once it was read to its end."""

    def __init__(self, response: httpx2.Response, chunks: AsyncGenerator[bytes, None]) -> None:
        """Take the response, and its body as it comes."""
        self._response = response
        self._chunks = chunks
        self.whole = False

    @property
    def content_type(self) -> str:
        """See the protocol."""
        return self._response.headers.get("content-type", "")

    async def read(self, deadline: Deadline) -> bytes:
        """See the protocol."""
        try:
            chunk = await deadline.wait(anext(self._chunks, b""))
        except TimeoutError as error:
            raise ModelTimedOut("the model's reply took too long") from error
        except _FAULTS as error:
            raise ModelFailed("the model's reply broke off") from error
        self.whole = not chunk
        return chunk


class SdkConnection(Connection):
    """The SDK's client and its pool."""

    def __init__(self, *, api_key: str, base_url: str | None, connections: int) -> None:
        """Prepare for so many calls at once; nothing is connected yet."""
        self._idle = 0
        self._sdk = openai.AsyncOpenAI(
            api_key=api_key,
            base_url=base_url,
            max_retries=0,
            default_headers={"Accept-Encoding": "identity"},
            http_client=openai.DefaultAioHttpClient(
                limits=httpx2.Limits(
                    max_connections=connections,
                    max_keepalive_connections=connections,
                    keepalive_expiry=_IDLE_SECONDS,
                ),
                # The whole call has one deadline, which the model keeps.
                timeout=httpx2.Timeout(None, connect=_CONNECT_SECONDS),
                # The key is for this provider and nobody it points to.
                follow_redirects=False,
                event_hooks={"response": [_accept]},
            ),
        )

    @asynccontextmanager
    async def complete(self, body: bytes, deadline: Deadline) -> AsyncIterator[Answer]:
        """See the protocol."""
        response = await self._post(body, deadline)
        try:
            async with aclosing(response.aiter_raw()) as chunks:
                answer = SdkAnswer(response, chunks)
                yield answer
        finally:
            await response.aclose()
        self._idle += answer.whole

    async def close(self) -> None:
        """See the protocol."""
        await self._sdk.close()

    async def _post(self, body: bytes, deadline: Deadline) -> httpx2.Response:
        try:
            return await deadline.wait(self._send(body))
        except TimeoutError as error:
            raise ModelTimedOut("the model did not answer in time") from error
        except _FAULTS as error:
            raise ModelUnavailable("the model provider cannot be reached") from error

    async def _send(self, body: bytes) -> httpx2.Response:
        """Send a request, once more where an idle connection was closed as it was used again.

        Source: RFC 9112, 9.3.1. Of idle connections there are at most as many as answers were read to their
        end, so that a provider that is down is not asked twice by every call.
        """
        stale = self._idle > 0
        self._idle -= stale
        while True:
            try:
                return await self._sdk.post(
                    "/chat/completions", content=body, cast_to=httpx2.Response, stream=True
                )
            except openai.APIConnectionError as error:
                if not (stale and _hung_up(error)):
                    raise
                stale = False


async def _accept(response: httpx2.Response) -> None:
    """Refuse whatever is no plain 200 before the SDK reads it, as it would read any amount."""
    if response.status_code != httpx2.codes.OK:
        refusal = error_of(response.status_code, response.headers, await _beginning(response))
        # What the provider says may quote keys and prompts; its status and what we make of it do not.
        _log.warning("the model provider answered %d: %s", response.status_code, refusal.code())
        raise refusal
    if response.headers.get("content-encoding", "identity") != "identity":
        raise ModelFailed("the model provider compresses what it was asked not to")


def _hung_up(error: BaseException | None) -> bool:
    """Return whether a connection that existed was closed before anything of an answer came."""
    while error is not None:
        if isinstance(error, aiohttp.ClientConnectorError):
            return False
        if isinstance(error, aiohttp.ServerDisconnectedError | aiohttp.ClientOSError):
            return True
        error = error.__cause__
    return False


async def _beginning(response: httpx2.Response) -> bytes:
    """Return what can be had of a refusal; where it breaks off, the status says enough."""
    body = bytearray()
    try:
        async with aclosing(response.aiter_raw()) as chunks:
            async for chunk in chunks:
                body += chunk
                if len(body) >= _LARGEST_ERROR:
                    break
    except _FAULTS:
        pass
    return bytes(body[:_LARGEST_ERROR])
