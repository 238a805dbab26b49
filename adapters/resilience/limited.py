"""A language model that is asked so many things at once and no more."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from chatcore.errors import ModelUnavailable
from chatcore.ports.language_model import Finished, LanguageModel, ModelRequest


class Limited(LanguageModel):
    """Lets some calls run, some others wait their turn for a while, and refuses the rest at once."""

    def __init__(self, model: LanguageModel, *, at_once: int, waiting: int, patience: float = 5.0) -> None:
        """Wrap a model; `patience`: how many seconds a call waits for its turn."""
        self._model = model
        self._places = asyncio.Semaphore(at_once)
        self._waiting_places = waiting
        self._patience = patience
        self._waiting = 0

    @property
    def name(self) -> str:
        """The wrapped model's name."""
        return self._model.name

    async def speak(self, request: ModelRequest) -> AsyncGenerator[str | Finished, None]:
        """Ask when it is our turn; see the port."""
        await self._take_place()
        try:
            async with aclosing(self._model.speak(request)) as said:
                async for piece in said:
                    yield piece
        finally:
            self._places.release()

    async def _take_place(self) -> None:
        if self._places.locked() and self._waiting >= self._waiting_places:
            raise ModelUnavailable("too many questions at once", retry_after=1)
        self._waiting += 1
        try:
            async with asyncio.timeout(self._patience):
                await self._places.acquire()
        except TimeoutError as error:
            raise ModelUnavailable("too many questions at once", retry_after=1) from error
        finally:
            self._waiting -= 1
