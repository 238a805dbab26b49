"""Chat completions without the SDK: one POST, which is all that is used of it."""

import aiohttp

from adapters.openai.connection import Client
from adapters.openai.endpoint import Endpoint

OPENAI_URL = "https://api.openai.com/v1/"


class DirectClient(Client):
    """Posts to the one address itself; less than a tenth of the SDK's work for the same bytes."""

    def __init__(self, *, api_key: str, base_url: str | None, endpoint: Endpoint) -> None:
        """Take where the provider is, None being OpenAI itself, and the connections."""
        self._endpoint = endpoint
        self._url = f"{(base_url or OPENAI_URL).rstrip('/')}/chat/completions"
        self._headers = {
            "Authorization": f"Bearer {api_key}",
            "Content-Type": "application/json",
            "Accept-Encoding": "identity",
            "User-Agent": "chatcore",
        }

    async def send(self, body: bytes) -> aiohttp.ClientResponse:
        """See the protocol."""
        return await self._endpoint.post(self._url, self._headers, body)

    async def close(self) -> None:
        """See the protocol."""
        await self._endpoint.close()
