"""A language model at a provider that speaks OpenAI's chat completions."""

import asyncio
from collections.abc import AsyncGenerator

from adapters.openai.connecting import connector
from adapters.openai.provider import Answer, Connection
from adapters.openai.reply import Reply
from adapters.openai.wire import encoded
from chatcore.deadline import Deadline
from chatcore.errors import ModelFailed, ModelTimedOut
from chatcore.metering import Tally
from chatcore.ports.language_model import Finished, LanguageModel, ModelRequest

GEMINI_URL = "https://generativelanguage.googleapis.com/v1beta/openai/"
_LINGER = 2.0
"""How many seconds a provider that has said all may take to say what it cost."""
_FAREWELL = 0.05
"""How many seconds it may then take to end its answer, so that the connection can be used again."""


class OpenAILanguageModel(LanguageModel):
    """One model of one provider: OpenAI, Gemini, or anything compatible.

    It connects when it is opened or first speaks; whoever made it closes it.
    """

    def __init__(
        self,
        *,
        api_key: str,
        model: str,
        base_url: str | None = None,
        timeout: float = 60.0,
        longest_reply: int = 100_000,
        connections: int = 10_000,
        sdk: bool = True,
    ) -> None:
        """Take the key, the model's name and where it is, None being OpenAI itself.

        `timeout`: seconds that a whole call may take. `longest_reply`: characters that a reply may have; it
        bounds the memory of a call. `connections`: how many calls may be open at once.
        `sdk`: whether requests go through the official SDK.
        """
        self._model = model
        self._timeout = timeout
        self._longest_reply = longest_reply
        self._connect = connector(api_key=api_key, base_url=base_url, connections=connections, sdk=sdk)
        self._connection: Connection | None = None

    @property
    def name(self) -> str:
        """The model's name at its provider."""
        return self._model

    async def open(self) -> None:
        """Load the SDK beside the event loop, so that the first call need not."""
        if self._connection is None:
            self._connection = await asyncio.to_thread(self._connect)

    async def close(self) -> None:
        """Close every connection; calls that are still open break off."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    async def speak(self, request: ModelRequest) -> AsyncGenerator[str | Finished, None]:
        """Ask the provider; see the port."""
        body = encoded(request.prompt, model=self._model, streamed=request.streamed)
        if self._connection is None:
            self._connection = self._connect()
        with Tally(request, self._model) as tally, Deadline(self._timeout) as deadline:
            async with self._connection.complete(body, deadline) as answer:
                tally.accepted = True
                reply = Reply(answer.content_type, longest=self._longest_reply)
                while not reply.complete and (data := await _more(answer, reply, deadline)):
                    if piece := reply.feed(data):
                        yield tally.said(piece)
                    if reply.ended:
                        deadline.shorten(_LINGER)
                if reply.complete:
                    deadline.shorten(_FAREWELL)
                    await _more(answer, reply, deadline)
            if piece := reply.close():
                yield tally.said(piece)
            yield tally.finished(reply.usage)


async def _more(answer: Answer, reply: Reply, deadline: Deadline) -> bytes:
    """Return the answer's next bytes; once the reply has ended, nothing that comes late is missed."""
    try:
        return await answer.read(deadline)
    except (ModelFailed, ModelTimedOut):
        if reply.ended or reply.complete:
            return b""
        raise
