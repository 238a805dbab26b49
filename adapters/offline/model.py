"""A language model without a model: the same prompt always gets the same answer, found by shared words."""

import asyncio
import re
from collections.abc import AsyncGenerator

from adapters.offline.answers import answer
from chatcore.metering import Tally
from chatcore.ports.language_model import Finished, LanguageModel, ModelRequest
from chatcore.text import mended

# Scripts without spaces come in pieces too; a word of any other script stays whole.
_PIECE = re.compile(r"\s*\S{1,24}\s*")


class OfflineLanguageModel(LanguageModel):
    """Answers from the selected text and the conversation alone, and says that it is no real model."""

    def __init__(self, *, gap: float = 0.0) -> None:
        """Take the seconds between two words of a streamed reply, so that people can see it stream."""
        self._gap = gap

    @property
    def name(self) -> str:
        """Always `offline`."""
        return "offline"

    async def speak(self, request: ModelRequest) -> AsyncGenerator[str | Finished, None]:
        """Answer at once, word by word where that is wanted; see the port."""
        with Tally(request, self.name) as tally:
            tally.accepted = True
            reply = mended(answer(request.prompt))
            for piece in _PIECE.findall(reply) if request.streamed else [reply]:
                if request.streamed and self._gap:
                    await asyncio.sleep(self._gap)
                yield tally.said(piece)
            yield tally.finished(None)
