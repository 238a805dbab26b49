"""Where spans go: an OTLP collector, as the standard OTEL_* variables say."""

import asyncio

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Tracer

_NAME = "chatcore"


class Exporter:
    """Sends spans in batches from a thread of its own; one that cannot be sent is dropped."""

    def __init__(self, endpoint: str) -> None:
        """Take the collector's base URL."""
        self._provider = TracerProvider(resource=Resource.create({SERVICE_NAME: _NAME}))
        traces = f"{endpoint.rstrip('/')}/v1/traces"
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=traces)))

    @property
    def tracer(self) -> Tracer:
        """What makes spans."""
        return self._provider.get_tracer(_NAME)

    async def open(self) -> None:
        """Do nothing: spans are sent when there are some."""

    async def close(self) -> None:
        """Send what is left."""
        await asyncio.to_thread(self._provider.shutdown)
