"""A language model that is asked again when it failed before it said anything."""

import asyncio
import random
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass

from adapters.resilience.budget import RetryBudget
from chatcore.errors import ChatError
from chatcore.ports.language_model import Finished, LanguageModel, ModelRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How often one request is tried at most, and until how many seconds after its beginning.

    The n-th pause is random between nothing and `shortest` doubled n times, `longest` at most: full jitter,
    Brooker, "Exponential Backoff And Jitter", AWS 2015.
    """

    attempts: int = 3
    seconds: float = 20.0
    shortest: float = 0.25
    longest: float = 4.0

    def ceiling(self, attempt: int) -> float:
        """Return the longest pause after this attempt, the first being 1, in seconds."""
        return min(self.longest, self.shortest * 2.0 ** (attempt - 1))


class Retrying(LanguageModel):
    """Asks again where that may help: a retryable error, nothing said yet, and budget left."""

    def __init__(
        self,
        model: LanguageModel,
        *,
        patience: Patience | None = None,
        budget: RetryBudget | None = None,
        chance: Callable[[float, float], float] = random.uniform,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Wrap a model; `budget` is shared by all that ask the same provider."""
        self._model = model
        self._patience = patience or Patience()
        self._budget = budget or RetryBudget()
        self._chance = chance
        self._sleep = sleep
        self._clock = clock

    @property
    def name(self) -> str:
        """The wrapped model's name."""
        return self._model.name

    async def speak(self, request: ModelRequest) -> AsyncGenerator[str | Finished, None]:
        """Ask, and ask again; see the port."""
        began, attempt = self._clock(), 0
        while True:
            attempt += 1
            said_something = False
            async with aclosing(self._model.speak(request)) as said:
                try:
                    async for piece in said:
                        said_something = True
                        yield piece
                except ChatError as error:
                    if said_something:
                        raise
                    pause = self._pause(error, attempt, self._clock() - began)
                else:
                    self._budget.succeeded()
                    return
            await self._sleep(pause)

    def _pause(self, error: ChatError, attempt: int, spent: float) -> float:
        """Return the seconds to wait before the next attempt.

        Raises:
            ChatError: the error itself, where another attempt would not help or may not be made.
        """
        pause = (error.retry_after or 0.0) + self._chance(0.0, self._patience.ceiling(attempt))
        exhausted = attempt >= self._patience.attempts or spent + pause >= self._patience.seconds
        if not error.retryable or exhausted or not self._budget.take():
            raise error
        return pause
