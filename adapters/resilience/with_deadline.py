"""A language model that has so long to finish, whatever it is made of."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from chatcore.deadline import Deadline
from chatcore.errors import ModelTimedOut
from chatcore.ports.language_model import Finished, LanguageModel, ModelRequest

_MOMENT = 0.25
"""How many seconds later it cuts in, so that a model with the same deadline says itself that it timed out.

A breaker in between would not learn of the failure otherwise: to it, being cut short is being cancelled.
"""


class WithDeadline(LanguageModel):
    """Ends a reply that takes too long, retries and fallbacks included.

    Only the waiting for the model is cut short, never what its listener does between two pieces.
    """

    def __init__(self, model: LanguageModel, *, seconds: float) -> None:
        """Wrap a model that may take so many seconds for a whole reply."""
        self._model = model
        self._seconds = seconds

    @property
    def name(self) -> str:
        """The wrapped model's name."""
        return self._model.name

    async def speak(self, request: ModelRequest) -> AsyncGenerator[str | Finished, None]:
        """Ask until the deadline; see the port."""
        with Deadline(self._seconds + _MOMENT) as deadline:
            async with aclosing(self._model.speak(request)) as said:
                while True:
                    try:
                        piece = await deadline.wait(anext(said))
                    except StopAsyncIteration:
                        return
                    except TimeoutError as error:
                        raise ModelTimedOut("the model's reply took too long") from error
                    yield piece
