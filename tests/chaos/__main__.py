"""`python -m tests.chaos --seconds 600`: the crash suite at any length, with its figures."""

import argparse
import asyncio
import random
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import aiohttp

from tests.chaos.clients import ASK_SECONDS, Client
from tests.chaos.ledger import Findings, Promise, compare
from tests.chaos.rig import LEASE_SECONDS, Rig


async def load(rig: Rig, users: int, stop: threading.Event) -> tuple[list[Promise], list[Client]]:
    """Let users ask until told to stop, then let each be answered."""
    promises: list[Promise] = []
    bases = [server.base for server in rig.servers]
    clients = [Client(owner=f"user{n}", bases=bases, promises=promises, stop=stop) for n in range(users)]
    timeout = aiohttp.ClientTimeout(total=ASK_SECONDS, sock_connect=2)
    async with aiohttp.ClientSession(timeout=timeout) as session, asyncio.TaskGroup() as group:
        for client in clients:
            group.create_task(client.run(session))
    return promises, clients


def broken(rig: Rig, seconds: float, users: int) -> tuple[list[Promise], list[Client]]:
    """Break things for so many seconds while users ask. The main thread breaks: only it may start PostgreSQL."""
    stop = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(asyncio.run, load(rig, users, stop))
        try:
            until = time.monotonic() + seconds
            while time.monotonic() < until and not asking.done():
                time.sleep(random.uniform(0.5, 2.5))
                rig.break_something()
        finally:
            stop.set()
        return asking.result()


def run(seconds: float, users: int, folder: Path) -> tuple[Findings, str]:
    """Return what was found, and a report of it."""
    with Rig(folder) as rig:
        promises, clients = broken(rig, seconds, users)
        time.sleep(2 * LEASE_SECONDS)
        findings = compare(rig.inspect_url, promises)
        errors: dict[str, int] = {}
        for client in clients:
            for name, count in client.errors.items():
                errors[name] = errors.get(name, 0) + count
        lines = [
            f"kills: {rig.kills}",
            f"questions {len(promises)}, acknowledged {findings.acknowledged}, completed {findings.completed}",
            f"retries {sum(c.retries for c in clients)}, resumed {sum(c.resumed for c in clients)}",
            f"errors that clients saw and got over: {errors}",
            findings.summary(),
            *findings.details[:20],
        ]
    return findings, "\n".join(lines)


def main() -> int:
    """Run as told on the command line; exit with 1 if a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--users", type=int, default=24)
    parser.add_argument("--seed", type=int, default=None)
    arguments = parser.parse_args()
    random.seed(arguments.seed)
    with tempfile.TemporaryDirectory(prefix="chatcore-chaos-") as folder:
        findings, report = run(arguments.seconds, arguments.users, Path(folder))
    sys.stdout.write(report + "\n")
    return 0 if findings.clean and findings.completed else 1


if __name__ == "__main__":
    sys.exit(main())
