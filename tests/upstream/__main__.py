"""Serve the upstream until a signal, and print the port first."""

import argparse
import asyncio
import sys

from tests.upstream.server import Upstream


async def serve(port: int, gap: float) -> None:
    server = await asyncio.start_server(Upstream(gap).connected, "127.0.0.1", port, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201 - whoever starts it reads the port
    async with server:
        await server.serve_forever()


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="tests.upstream", description="an OpenAI-compatible upstream that misbehaves"
    )
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--gap", type=float, default=0.0, help="seconds between the pieces of a streamed echo")
    chosen = parser.parse_args()
    asyncio.run(serve(chosen.port, chosen.gap))
    return 0


if __name__ == "__main__":
    sys.exit(main())
