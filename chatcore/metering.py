"""One call of a model provider while it goes on: what it said, what that cost, and how it ended."""

import asyncio
import time
from types import TracebackType
from typing import Self

from chatcore.errors import ChatError, ModelFailed
from chatcore.ports.language_model import Finished, ModelCall, ModelRequest
from chatcore.turn import Usage


class Tally:
    """Counts one call and tells the request's meter of it exactly once, however the call ends.

    Use it as a context around the call. Where the provider does not say what the call cost, it is
    estimated from what was sent and said; a call that was not `accepted` cost nothing.
    """

    def __init__(self, request: ModelRequest, model: str) -> None:
        """Begin the call of a model for a request."""
        self._request = request
        self._model = model
        self._began = time.monotonic()
        self._first_token: float | None = None
        self._characters = 0
        self._usage: Usage | None = None
        self._told = False
        self.accepted = False

    def __enter__(self) -> Self:
        """Count from here."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Tell the meter how the call ended, unless it was told already."""
        del kind, trace
        self._tell(_outcome(error))

    def said(self, piece: str) -> str:
        """Count a piece of the reply and return it."""
        if self._first_token is None:
            self._first_token = time.monotonic() - self._began
        self._characters += len(piece)
        return piece

    def finished(self, usage: Usage | None) -> Finished:
        """Return the end of the reply, with the provider's usage or, where that is None, an estimate."""
        self._usage = usage
        self._tell("ok")
        return Finished(usage=self.usage, model=self._model)

    @property
    def usage(self) -> Usage:
        """What the call has cost so far."""
        if self._usage is not None:
            return self._usage
        sent = self._request.prompt.estimated_tokens() if self.accepted else 0
        return Usage(input_tokens=sent, output_tokens=-(-self._characters // 4), estimated=True)

    def _tell(self, outcome: str) -> None:
        if self._told:
            return
        self._told = True
        self._request.meter(
            ModelCall(
                model=self._model,
                usage=self.usage,
                outcome=outcome,
                seconds=time.monotonic() - self._began,
                first_token_seconds=self._first_token,
            )
        )


def _outcome(error: BaseException | None) -> str:
    match error:
        case ChatError():
            return error.code()
        case None | GeneratorExit() | asyncio.CancelledError():
            return "cancelled"
        case _:
            return ModelFailed.code()
