"""Connects to a provider late, so that the SDK is imported when a connection is made and not before."""

from collections.abc import Callable

from adapters.openai.provider import Connection

Connect = Callable[[], Connection]


def connector(*, api_key: str, base_url: str | None, connections: int) -> Connect:
    """Return what connects to a provider; the first call imports the SDK, which takes a second."""

    def connect() -> Connection:
        from adapters.openai.connection import SdkConnection  # noqa: PLC0415 - late, for the second it takes

        return SdkConnection(api_key=api_key, base_url=base_url, connections=connections)

    return connect
