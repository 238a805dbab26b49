"""What is promised to users while something happens to the servers, and what they see of it."""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field

from tests.chaos.clients import Bases, Client
from tests.chaos.ledger import Promise
from tests.chaos.talking import talking

ASK_SECONDS = 20

Way = AbstractAsyncContextManager[list[str]]
"""What is entered before anybody asks; it gives the addresses that they ask at."""


@dataclass(slots=True, kw_only=True)
class Story:
    """What was promised to clients, and what they saw."""

    promises: list[Promise] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)

    def unfold(
        self,
        way: list[str] | Way,
        users: int,
        happens: Callable[[Callable[[], bool]], None],
        tend: Callable[[], None],
    ) -> None:
        """Let users ask while something happens, and then let each be answered, while the servers are tended.

        It happens in this thread, which has to be the main one to start processes; it is given a function
        that says whether anybody still asks.
        """
        stop = threading.Event()
        with ThreadPoolExecutor(1) as pool:
            asking = pool.submit(asyncio.run, self._load(way, users, stop))
            try:
                happens(lambda: not asking.done())
            finally:
                stop.set()
            while not asking.done():
                tend()
                time.sleep(0.5)
            asking.result()

    async def _load(self, way: list[str] | Way, users: int, stop: threading.Event) -> None:
        """Every third user is anonymous."""
        entered = nullcontext(way) if isinstance(way, list) else way
        async with entered as addresses, talking(ASK_SECONDS) as session, asyncio.TaskGroup() as group:
            bases = Bases(all=addresses)
            for number in range(users):
                client = Client(
                    name=f"user{number}",
                    known=number % 3 > 0,
                    bases=bases,
                    promises=self.promises,
                    stop=stop,
                    seen=self.seen,
                )
                group.create_task(client.run(session))
