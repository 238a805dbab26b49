"""Connects to a provider late, so that the SDK is imported when a connection is made and not before."""

from collections.abc import Callable

from adapters.openai.provider import Connection

Connect = Callable[[], Connection]


def connector(*, api_key: str, base_url: str | None, connections: int, sdk: bool) -> Connect:
    """Return what connects to a provider, through the SDK or without it.

    Its first call imports what it needs, which takes a second for the SDK and a fifth of that without.
    """

    def connect() -> Connection:
        from adapters.openai.connection import ClientConnection  # noqa: PLC0415 - late, for the time it takes
        from adapters.openai.endpoint import Endpoint  # noqa: PLC0415 - as above

        endpoint = Endpoint(connections=connections)
        if not sdk:
            from adapters.openai.direct import DirectClient  # noqa: PLC0415 - as above

            return ClientConnection(DirectClient(api_key=api_key, base_url=base_url, endpoint=endpoint))
        from adapters.openai.sdk import SdkClient  # noqa: PLC0415 - late, for the second it takes

        return ClientConnection(SdkClient(api_key=api_key, base_url=base_url, endpoint=endpoint))

    return connect
