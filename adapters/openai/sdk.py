"""The official SDK as a client, asked for bytes and giving bytes, so that neither side walks or builds its objects.

Importing the SDK takes a second: only what connects imports this module.
"""

from functools import lru_cache
from typing import cast

import aiohttp
import httpx2
import openai

from adapters.openai.connection import Client
from adapters.openai.endpoint import Endpoint

_ANSWER = "aiohttp"
_UNREAD = httpx2.ByteStream(b"")


class SdkClient(Client):
    """Leaves it to the SDK where requests go, how they are signed, and what is told of who calls."""

    def __init__(self, *, api_key: str, base_url: str | None, endpoint: Endpoint) -> None:
        """Take where the provider is, None being OpenAI itself, and the connections."""
        self._endpoint = endpoint
        self._sdk = openai.AsyncOpenAI(
            api_key=api_key,
            base_url=base_url,
            max_retries=0,
            timeout=None,
            default_headers={"Accept-Encoding": "identity"},
            http_client=_PlainClient(endpoint),
        )
        # A relative address would be joined to the base anew for each call.
        self._url = f"{str(self._sdk.base_url).rstrip('/')}/chat/completions"

    async def send(self, body: bytes) -> aiohttp.ClientResponse:
        """See the protocol."""
        response = await self._sdk.post(self._url, content=body, cast_to=httpx2.Response, stream=True)
        return cast("aiohttp.ClientResponse", response.extensions[_ANSWER])

    async def close(self) -> None:
        """See the protocol."""
        await self._sdk.close()
        await self._endpoint.close()


class _PlainClient(httpx2.AsyncClient):
    """What the SDK takes for its HTTP client, and what hands its requests straight to the endpoint.

    httpx2 would merge defaults into each request that the SDK has merged already, parse its address thrice,
    and keep cookies, redirects and hooks in mind: a sixth of a whole turn, for nothing that is wanted here.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        """Take the connections."""
        super().__init__(transport=httpx2.AsyncBaseTransport())
        self._endpoint = endpoint
        self._parsed = lru_cache(httpx2.URL)

    def build_request(self, method: str, url: httpx2.URL | str, **parts: object) -> httpx2.Request:
        """Return a request of what the SDK says and nothing else."""
        headers = cast("list[tuple[str, str]]", parts["headers"])
        content = httpx2.ByteStream(cast("bytes", parts["content"]))
        return httpx2.Request(method, self._parsed(url), headers=headers, stream=content)

    async def send(self, request: httpx2.Request, **options: object) -> httpx2.Response:
        """Return an answer whose bytes are still to come, in the extension `aiohttp`."""
        del options
        headers = [(name.decode(), value.decode()) for name, value in request.headers.raw]
        body = b"".join(cast("httpx2.ByteStream", request.stream))
        response = await self._endpoint.post(str(request.url), headers, body)
        return httpx2.Response(response.status, request=request, stream=_UNREAD, extensions={_ANSWER: response})
