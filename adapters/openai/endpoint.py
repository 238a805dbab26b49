"""The connections to a provider: aiohttp's, without anything that one address of JSON has no need of."""

import logging
from collections.abc import Iterable, Mapping
from http import HTTPStatus

import aiohttp
import httpx2

from adapters.openai.errors import error_of
from chatcore.errors import ModelFailed

FAULTS = (aiohttp.ClientError, OSError, ValueError)
"""What aiohttp raises where an exchange cannot begin, or breaks off."""

_log = logging.getLogger(__name__)
_CONNECT_SECONDS = 10.0
_IDLE_SECONDS = 30.0
_LARGEST_ERROR = 64 * 1024

Headers = Mapping[str, str] | Iterable[tuple[str, str]]


class Endpoint:
    """A pool of connections that are kept for the next call."""

    def __init__(self, *, connections: int) -> None:
        """Prepare for so many calls at once; nothing is connected yet."""
        self._connections = connections
        # The same authorities whoever calls; reading them takes a while, and this is not the event loop's thread.
        self._authorities = httpx2.create_ssl_context()
        self._session: aiohttp.ClientSession | None = None

    async def post(self, url: str, headers: Headers, body: bytes) -> aiohttp.ClientResponse:
        """Return the answer, of status 200 and not compressed, once its head is there.

        Raises:
            ChatError: it is another one; what its status and code mean.
            ClientError, OSError, ValueError: there was no answer.
        """
        if self._session is None:
            self._session = self._opened()
        # The key is for this provider and nobody it points to.
        response = await self._session.post(url, headers=headers, data=body, allow_redirects=False)
        try:
            await _accept(response)
        except BaseException:
            response.close()
            raise
        return response

    async def close(self) -> None:
        """Close every connection."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _opened(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=self._connections, keepalive_timeout=_IDLE_SECONDS, ssl=self._authorities
            ),
            # The whole call has one deadline, which the model keeps.
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
        )


async def _accept(response: aiohttp.ClientResponse) -> None:
    """Refuse whatever is no plain 200, of which nobody would bound how much is read."""
    if response.status != HTTPStatus.OK:
        refusal = error_of(response.status, response.headers, await _beginning(response))
        # What the provider says may quote keys and prompts; its status and what we make of it do not.
        _log.warning("the model provider answered %d: %s", response.status, refusal.code())
        raise refusal
    if response.headers.get("content-encoding", "identity") != "identity":
        raise ModelFailed("the model provider compresses what it was asked not to")


async def _beginning(response: aiohttp.ClientResponse) -> bytes:
    """Return what can be had of a refusal; where it breaks off, the status says enough."""
    body = bytearray()
    try:
        while len(body) < _LARGEST_ERROR and (chunk := await response.content.readany()):
            body += chunk
    except FAULTS:
        pass
    return bytes(body[:_LARGEST_ERROR])
