"""A program that owns an embedded server, as `chatcore serve` does, and obeys its standard input.

It says what it has on a line of JSON after each of the orders `start`, `restart` and `stop`.
"""

import json
import signal
import sys
from pathlib import Path

from adapters.embedded import EmbeddedPostgres


def main() -> None:
    """Obey until the input ends, then leave without stopping the server."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # as a server that drains before it stops
    server = EmbeddedPostgres(Path(sys.argv[1]), durable=False)
    for order in sys.stdin:
        match order.strip():
            case "start":
                server.start()
            case "restart":
                server.restart_if_dead()
            case "stop":
                server.stop()
        print(json.dumps({"alive": server.alive(), "attached": server.attached}), flush=True)  # noqa: T201 - its output


if __name__ == "__main__":
    main()
