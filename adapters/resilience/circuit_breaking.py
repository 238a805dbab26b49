"""A language model that is left alone for a while when too many of its calls failed."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from adapters.resilience.breaker import Breaker, BreakerState
from chatcore.errors import ChatError, ModelUnavailable
from chatcore.ports.language_model import Finished, LanguageModel, ModelRequest


class CircuitBreaking(LanguageModel):
    """Refuses at once while its breaker is open.

    Retryable errors are failures of the provider; others are answers, if unwelcome ones.
    """

    def __init__(self, model: LanguageModel, breaker: Breaker) -> None:
        """Wrap a model; one breaker for each provider."""
        self._model = model
        self._breaker = breaker

    @property
    def name(self) -> str:
        """The wrapped model's name."""
        return self._model.name

    async def speak(self, request: ModelRequest) -> AsyncGenerator[str | Finished, None]:
        """Ask where the breaker lets us; see the port."""
        if wait := self._breaker.enter():
            raise ModelUnavailable("the model failed too often and is left alone for a while", retry_after=wait)
        probing = self._breaker.state is BreakerState.HALF_OPEN
        found_out = False
        try:
            async with aclosing(self._model.speak(request)) as said:
                async for piece in said:
                    if isinstance(piece, Finished):
                        self._breaker.succeeded()
                    elif not found_out:
                        self._breaker.answered()
                    found_out = True
                    yield piece
        except ChatError as error:
            found_out = True
            if error.retryable:
                self._breaker.failed(error.retry_after)
            else:
                self._breaker.succeeded()
            raise
        finally:
            if probing and not found_out:
                self._breaker.abandoned()
