"""Traces, where an OpenTelemetry collector is named; elsewhere nothing is wrapped and nothing imported."""

from collections.abc import Callable
from typing import Any

from chatcore.ports.language_model import LanguageModel
from chatcore.ports.turn_store import TurnStore
from entrypoints.settings import Settings

App = Callable[..., Any]
_INSTALL = "install it with `pip install '.[tracing]'` in the checkout, or unset OTEL_EXPORTER_OTLP_ENDPOINT"


class TracingUnusable(Exception):
    """A collector is named, and what would speak to it is not installed; says what mends it."""


class Untraced:
    """Leaves everything as it is."""

    def turns(self, store: TurnStore) -> TurnStore:
        """Return the store."""
        return store

    def model(self, model: LanguageModel, provider: str) -> LanguageModel:
        """Return the model."""
        del provider
        return model

    def app(self, app: App) -> App:
        """Return the application."""
        return app


class Traced(Untraced):
    """Wraps what serves requests in spans; opened and closed by the lifespan."""

    def __init__(self, endpoint: str) -> None:
        """Take the collector's base URL.

        Raises:
            TracingUnusable: the extra `tracing` is not installed.
        """
        check()
        # Late, because the extra need not be installed, and takes a tenth of a second where it is.
        from adapters.tracing.exporter import Exporter  # noqa: PLC0415 - late, see above
        from adapters.tracing.language_model import TracedLanguageModel  # noqa: PLC0415 - as above
        from adapters.tracing.requests import TracedApp  # noqa: PLC0415 - as above
        from adapters.tracing.turn_store import TracedTurnStore  # noqa: PLC0415 - as above

        self._exporter = Exporter(endpoint)
        self._model, self._app, self._turns = TracedLanguageModel, TracedApp, TracedTurnStore
        self.open, self.close = self._exporter.open, self._exporter.close

    def turns(self, store: TurnStore) -> TurnStore:
        """Return the store, each of whose steps is a span."""
        return self._turns(store, self._exporter.tracer)

    def model(self, model: LanguageModel, provider: str) -> LanguageModel:
        """Return the model, each call of which is a span."""
        return self._model(model, self._exporter.tracer, provider)

    def app(self, app: App) -> App:
        """Return the application, each request to which is a span."""
        return self._app(app, self._exporter.tracer)


def check() -> None:
    """Return where what sends spans is installed.

    Raises:
        TracingUnusable: it is not.
    """
    try:
        import adapters.tracing.exporter  # noqa: F401, PLC0415 - to see whether it can be imported
    except ModuleNotFoundError as error:
        raise TracingUnusable(f"the extra `tracing` is not installed: {_INSTALL}") from error


def of(settings: Settings) -> Untraced:
    """Return what wraps, as the settings say.

    Raises:
        TracingUnusable: it is not installed.
    """
    return Untraced() if settings.otlp_endpoint is None else Traced(settings.otlp_endpoint)


def turns(tracing: Untraced, store: TurnStore) -> TurnStore:
    """Return a store of turns, traced where that is wanted."""
    return tracing.turns(store)


def model(tracing: Untraced, spoken_to: LanguageModel, settings: Settings) -> LanguageModel:
    """Return a provider's model, traced where that is wanted."""
    return tracing.model(spoken_to, str(settings.provider))


def fallback(tracing: Untraced, second: LanguageModel | None, settings: Settings) -> LanguageModel | None:
    """Return the model that stands in, where there is one, traced as the first is."""
    return None if second is None else model(tracing, second, settings)
