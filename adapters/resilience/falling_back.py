"""A language model that a second one stands in for."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from chatcore.errors import ChatError, ModelRefused
from chatcore.ports.language_model import Finished, LanguageModel, ModelRequest


class FallingBack(LanguageModel):
    """Asks the second model where the first fails before it has said anything; `Finished` tells who spoke.

    What the first one refuses to answer is not carried to the second.
    """

    def __init__(self, first: LanguageModel, second: LanguageModel) -> None:
        """Take who is asked first, and who then."""
        self._first = first
        self._second = second

    @property
    def name(self) -> str:
        """The first model's name."""
        return self._first.name

    async def speak(self, request: ModelRequest) -> AsyncGenerator[str | Finished, None]:
        """Ask one or both; see the port. Where both fail, the error is the one that may pass."""
        said_something = False
        try:
            async with aclosing(self._first.speak(request)) as said:
                async for piece in said:
                    said_something = True
                    yield piece
        except ModelRefused:
            raise
        except ChatError as error:
            if said_something:
                raise
            failure = error
        else:
            return
        try:
            async with aclosing(self._second.speak(request)) as said:
                async for piece in said:
                    said_something = True
                    yield piece
        except ChatError as error:
            if failure.retryable and not (error.retryable or said_something):
                raise failure from error
            raise
