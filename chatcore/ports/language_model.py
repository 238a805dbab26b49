"""The port to a language model."""

from abc import abstractmethod
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from typing import Protocol

from chatcore.prompt import Prompt
from chatcore.turn import Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCall:
    """One call of a provider, for the ledger: what it cost and how it ended (`ok` or an error's code)."""

    model: str
    usage: Usage
    outcome: str
    seconds: float
    first_token_seconds: float | None = None


Meter = Callable[[ModelCall], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRequest:
    """What is asked of a model, whether its reply is wanted piece by piece, and who is told of each call."""

    prompt: Prompt
    streamed: bool
    meter: Meter


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """The model has said everything: the last thing that `speak` yields."""

    usage: Usage
    model: str


class LanguageModel(Protocol):
    """Answers a prompt. Adapters are providers, or wrappers of another LanguageModel that add behaviour."""

    @property
    @abstractmethod
    def name(self) -> str:
        """The model's name, as people know it."""

    @abstractmethod
    def speak(self, request: ModelRequest) -> AsyncGenerator[str | Finished, None]:
        """Yield the reply's pieces, each a non-empty string, and last of all one `Finished`.

        The pieces never hold NUL or a lone surrogate. Without `request.streamed` one piece will do. Whoever
        stops early closes the generator, and the call to the provider ends with it. Each call of a provider
        is told to `request.meter` exactly once, however it ends.

        Raises:
            ModelFailed: it answered with something that is no reply, or its reply broke off.
            ModelUnavailable: it cannot be reached, is overloaded or limits our rate (`retry_after`).
            ModelTimedOut: it took longer than the call may take.
            ModelRefused: it, or its content filter, will not answer this.
            ModelMisconfigured: it does not accept our key, or does not know the model.
            ModelQuotaExhausted: what we may spend there is spent.
            PromptTooLong: the prompt does not fit its context.
        """
