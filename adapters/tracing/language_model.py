"""A span for each call of a model, by the conventions for generative AI.

Attributes: https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

from opentelemetry.trace import Span, SpanKind, StatusCode, Tracer

from chatcore.ports.language_model import Finished, LanguageModel, ModelCall, ModelRequest


class TracedLanguageModel(LanguageModel):
    """Wraps a model that is called for each request, below whatever repeats calls."""

    def __init__(self, model: LanguageModel, tracer: Tracer, provider: str) -> None:
        """Take the model, what makes spans, and the provider's well-known name."""
        self._model = model
        self._tracer = tracer
        self._provider = provider

    @property
    def name(self) -> str:
        """The name of the model itself."""
        return self._model.name

    async def speak(self, request: ModelRequest) -> AsyncGenerator[str | Finished, None]:
        """Have the model speak inside a span; see the port."""
        # Not the current span: a generator may be resumed and closed in other contexts than it began in.
        span = self._tracer.start_span(f"chat {self.name}", kind=SpanKind.CLIENT)
        span.set_attributes(
            {
                "gen_ai.operation.name": "chat",
                "gen_ai.provider.name": self._provider,
                "gen_ai.request.model": self.name,
            }
        )

        def metered(call: ModelCall) -> None:
            _note(span, call)
            request.meter(call)

        try:
            async with aclosing(self._model.speak(replace(request, meter=metered))) as pieces:
                async for piece in pieces:
                    yield piece
        finally:
            span.end()


def _note(span: Span, call: ModelCall) -> None:
    span.set_attributes(
        {
            "gen_ai.response.model": call.model,
            "gen_ai.usage.input_tokens": call.usage.input_tokens,
            "gen_ai.usage.output_tokens": call.usage.output_tokens,
        }
    )
    if call.first_token_seconds is not None:
        span.set_attribute("gen_ai.server.time_to_first_token", call.first_token_seconds)
    if call.outcome not in {"ok", "cancelled"}:
        span.set_attribute("error.type", call.outcome)
        span.set_status(StatusCode.ERROR)
