"""Fetches a key set over HTTP, as one should fetch what a stranger may have put there."""

from http import HTTPStatus
from ipaddress import ip_address
from urllib.parse import urlsplit

import aiohttp

LARGEST = 256 * 1_024
"""Bytes of a key set, at most; real ones have one or two thousand."""

WITHIN = aiohttp.ClientTimeout(total=5)


class FetchFailed(Exception):
    """The issuer's key set could not be had; says why, for the log."""


class KeySetFetch:
    """Gets the bytes of the key set at one address; opened and closed with the server."""

    def __init__(self, url: str) -> None:
        """Take the address, which nothing in a token can change.

        Raises:
            ValueError: it is neither https nor on this machine.
        """
        self._url = checked_url(url)
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        """Make the connection pool; nothing is fetched yet."""
        self._session = aiohttp.ClientSession(
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"Accept": "application/json", "Accept-Encoding": "identity"},
            timeout=WITHIN,
        )

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def __call__(self) -> bytes:
        """Return the key set's bytes; no redirect is followed and nothing compressed is opened.

        Raises:
            FetchFailed: it could not be had within 5 s, or is not 200, or is too large.
        """
        if self._session is None:
            raise FetchFailed("not open")
        try:
            async with self._session.get(self._url, allow_redirects=False) as response:
                return await _body(response)
        except (aiohttp.ClientError, OSError) as error:
            raise FetchFailed(f"{type(error).__name__} {error}".strip()) from error


async def _body(response: aiohttp.ClientResponse) -> bytes:
    if response.status != HTTPStatus.OK:
        raise FetchFailed(f"status {response.status}")
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > LARGEST:
            raise FetchFailed(f"more than {LARGEST} bytes")
    return bytes(body)


def checked_url(url: str) -> str:
    """Return the address of a key set unchanged.

    Raises:
        ValueError: it is neither https nor plain http to this machine: keys from a wire that anybody can
            write to would let anybody in.
    """
    parts = urlsplit(url)
    if parts.hostname and (parts.scheme == "https" or (parts.scheme == "http" and _loopback(parts.hostname))):
        return url
    raise ValueError("must be https, or http on this machine")


def _loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
