"""A language model that plays a script, remembers what it was asked, and hangs or fails where a test wants."""

import asyncio
import re
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass

from chatcore.errors import ChatError
from chatcore.metering import Tally
from chatcore.ports.language_model import Finished, LanguageModel, ModelRequest
from chatcore.text import mended
from chatcore.turn import Usage

_WORDS = re.compile(r"\s*\S+\s*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One reply of a script: its pieces, then the error that ends it, if any.

    It waits for the event `hold`, where there is one, when `hold_after` pieces were said. Where `usage` is
    None, what the reply cost is estimated.
    """

    pieces: tuple[str, ...] = ()
    error: ChatError | None = None
    hold: asyncio.Event | None = None
    hold_after: int = 0
    usage: Usage | None = None

    @classmethod
    def of(cls, line: "str | ChatError | Reply") -> "Reply":
        """Return a line of a script as a reply: a text word by word, an error at once."""
        match line:
            case str():
                return cls(pieces=tuple(_WORDS.findall(line)))
            case ChatError():
                return cls(error=line)
            case Reply():
                return line


class ScriptedLanguageModel(LanguageModel):
    """Gives the replies of its script one after the other, and the last one again and again.

    `requests` are those it saw, `speaking` is how many it answers now and `most_speaking` how many it ever
    answered at once.
    """

    def __init__(
        self,
        replies: Sequence[str | ChatError | Reply] = ("Yes.",),
        *,
        gap: float = 0.0,
        name: str = "scripted",
    ) -> None:
        """Take the script, and the seconds to wait before each piece."""
        if not replies:
            raise ValueError("a script has at least one line")
        self._replies = tuple(Reply.of(line) for line in replies)
        self._gap = gap
        self._name = name
        self.requests: list[ModelRequest] = []
        self.speaking = 0
        self.most_speaking = 0

    @property
    def name(self) -> str:
        """The name it was given."""
        return self._name

    async def speak(self, request: ModelRequest) -> AsyncGenerator[str | Finished, None]:
        """Play the next line of the script, in pieces even where one would do; see the port."""
        reply = self._replies[min(len(self.requests), len(self._replies) - 1)]
        self.requests.append(request)
        self.speaking += 1
        self.most_speaking = max(self.most_speaking, self.speaking)
        try:
            with Tally(request, self._name) as tally:
                tally.accepted = True
                for said, piece in enumerate(reply.pieces):
                    await self._wait(reply, said)
                    yield tally.said(mended(piece))
                await self._wait(reply, len(reply.pieces))
                if reply.error is not None:
                    raise reply.error
                yield tally.finished(reply.usage)
        finally:
            self.speaking -= 1

    async def _wait(self, reply: Reply, said: int) -> None:
        if reply.hold is not None and said == min(reply.hold_after, len(reply.pieces)):
            await reply.hold.wait()
        if self._gap and said < len(reply.pieces):
            await asyncio.sleep(self._gap)
