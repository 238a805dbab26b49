"""Opens what has to be open while requests are served, and closes it in the order that loses nothing."""

from abc import abstractmethod
from collections.abc import AsyncGenerator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Protocol, runtime_checkable

from chatcore.speaker import Speaker
from entrypoints.metrics import Metrics, Reading


@runtime_checkable
class Closable(Protocol):
    """Something that is built closed."""

    @abstractmethod
    async def open(self) -> None:
        """Get ready."""

    @abstractmethod
    async def close(self) -> None:
        """Let go of everything."""


@asynccontextmanager
async def opened(
    parts: Iterable[object], speaker: Speaker, drain: float, metrics: Metrics, readings: Iterable[Reading]
) -> AsyncGenerator[None, None]:
    """Keep those parts open that can be, and have their figures read.

    At the end, first let the turns that run end, for at most `drain` seconds.
    """
    async with AsyncExitStack() as stack:
        for part in {id(part): part for part in parts}.values():
            if isinstance(part, Closable):
                await part.open()
                stack.push_async_callback(part.close)
        for read in readings:
            metrics.watch(read)
        stack.push_async_callback(speaker.drain, drain)
        yield
