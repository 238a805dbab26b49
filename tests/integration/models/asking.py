"""Asking a model and keeping all that came of it."""

from dataclasses import dataclass, field

from chatcore.errors import ChatError
from chatcore.ports.language_model import Finished, LanguageModel, ModelCall, ModelRequest
from chatcore.prompt import Prompt

PROMPT = Prompt(instructions="Be brief.", question="Tell me of the prompt-secret-question.")


@dataclass(slots=True)
class Outcome:
    """What came of one question."""

    pieces: list[str] = field(default_factory=list)
    finished: Finished | None = None
    error: ChatError | None = None
    calls: list[ModelCall] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(self.pieces)


async def ask(model: LanguageModel, *, streamed: bool, prompt: Prompt = PROMPT) -> Outcome:
    outcome = Outcome()
    request = ModelRequest(prompt=prompt, streamed=streamed, meter=outcome.calls.append)
    try:
        async for said in model.speak(request):
            if isinstance(said, Finished):
                assert outcome.finished is None
                outcome.finished = said
            else:
                assert outcome.finished is None
                outcome.pieces.append(said)
    except ChatError as error:
        outcome.error = error
    return outcome
