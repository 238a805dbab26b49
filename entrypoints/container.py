"""The composition root: what is made of what, in one place, which tests use as well.

`Container(settings=…, language_model=…)` replaces parts at construction. Nothing is opened by making a
container; `container.opened()` is the context in which its parts can be used.
"""

import secrets
from collections.abc import Mapping
from functools import partial
from operator import attrgetter

from dependency_injector import containers, providers
from uuid_utils.compat import uuid7

from adapters.auth.clock import utc_now
from adapters.memory.accounts import MemoryAccountStore
from adapters.memory.api_keys import MemoryApiKeyStore
from adapters.memory.audit_log import MemoryAuditLog
from adapters.memory.conversation_store import MemoryConversationStore
from adapters.memory.state import MemoryState
from adapters.memory.turn_store import MemoryTurnStore
from adapters.postgres.accounts import PostgresAccountStore
from adapters.postgres.api_keys import PostgresApiKeyStore
from adapters.postgres.audit_log import PostgresAuditLog
from adapters.postgres.conversation_store import PostgresConversationStore
from adapters.postgres.turn_store import PostgresTurnStore
from chatcore.chat import Chat, Patience
from chatcore.erasure import Erasure
from chatcore.listen import Listener, Pace
from chatcore.ports.language_model import LanguageModel
from chatcore.speaker import Speaker
from chatcore.speech import Tempo
from chatcore.textbook import Textbook
from entrypoints import personas
from entrypoints.environment import load_settings
from entrypoints.metrics import Metrics
from entrypoints.observing import figures, observer
from entrypoints.settings import Settings
from entrypoints.wiring import authentication, databases, models, tracing
from entrypoints.wiring import trail as trails
from entrypoints.wiring.lifetime import opened
from entrypoints.wiring.readiness import Readiness
from entrypoints.wiring.storage import goes_through_a_pooler


class Container(containers.DeclarativeContainer):
    """Everything that serves requests. Each part is made when it is first asked for, and once."""

    settings: providers.Provider[Settings] = providers.Singleton(load_settings)
    database_url: providers.Provider[str] = providers.Callable(databases.url_of, settings)
    pooled: providers.Provider[bool] = providers.Callable(goes_through_a_pooler, settings)
    metrics = providers.Singleton(Metrics)
    observe = providers.Singleton(observer, metrics)

    database = providers.Singleton(databases.main_database, settings, database_url, pooled=pooled)
    tracer = providers.Singleton(tracing.of, settings)
    turns = providers.Singleton(tracing.turns, tracer, providers.Singleton(PostgresTurnStore, database))
    conversations = providers.Singleton(PostgresConversationStore, database)
    api_keys = providers.Singleton(PostgresApiKeyStore, database)
    accounts = providers.Singleton(PostgresAccountStore, database)
    audit_log = providers.Singleton(PostgresAuditLog, database)
    trail = providers.Singleton(trails.of, settings, audit_log, metrics)
    unready = providers.Singleton(Readiness, database)

    provider_model: providers.Provider[LanguageModel] = providers.Selector(
        providers.Callable(attrgetter("provider"), settings),
        openai=providers.Singleton(models.openai, settings),
        gemini=providers.Singleton(models.gemini, settings),
        local=providers.Singleton(models.local, settings),
        offline=providers.Singleton(models.offline, settings),
    )
    fallback_model = providers.Singleton(models.fallback, settings)
    breakers = providers.Singleton(models.Breakers)
    language_model: providers.Provider[LanguageModel] = providers.Singleton(
        models.resilient,
        providers.Singleton(tracing.model, tracer, provider_model, settings),
        providers.Singleton(tracing.fallback, tracer, fallback_model, settings),
        settings,
        breakers,
    )

    sign_ins = providers.Singleton(databases.sign_in_database, settings, database)
    key_set = providers.Singleton(authentication.key_set, settings)
    authenticator = providers.Singleton(authentication.authenticator, settings, key_set, sign_ins, api_keys)

    tempo = providers.Singleton(Tempo)
    speaker = providers.Singleton(
        Speaker,
        store=turns,
        model=language_model,
        observe=observe,
        tempo=tempo,
        capacity=settings.provided.capacity,
    )
    erasure = providers.Singleton(
        Erasure,
        accounts=accounts,
        stop=speaker.provided.stop_all,
        flush=providers.Callable(trails.flushing, trail),
    )
    listener = providers.Singleton(Listener, store=turns, speaker=speaker, pace=providers.Singleton(Pace))
    chat = providers.Singleton(
        Chat,
        store=turns,
        speaker=speaker,
        new_id=providers.Object(uuid7),
        patience=providers.Singleton(Patience, lease=settings.provided.turn_lease),
    )
    assistant = providers.Singleton(personas.assistant, settings)
    textbook = providers.Singleton(
        Textbook,
        chat=chat,
        persona=providers.Singleton(personas.textbook, settings),
        entropy=providers.Object(secrets.token_bytes),
    )
    opened = providers.Factory(
        opened,
        providers.List(tracer, database, sign_ins, key_set, provider_model, fallback_model, trail),
        speaker,
        settings.provided.drain,
        metrics,
        providers.List(
            providers.Callable(partial, databases.figures, database),
            breakers.provided.figures,
            providers.Callable(partial, figures, speaker, chat, settings.provided.capacity),
        ),
    )


def in_memory(settings: Settings, language_model: LanguageModel, **parts: object) -> Container:
    """Return a container whose stores forget everything with the process: for tests, and to try things out."""
    state, api_keys = MemoryState(clock=utc_now), MemoryApiKeyStore()
    return Container(
        settings=settings,
        language_model=language_model,
        provider_model=language_model,
        database=None,
        turns=MemoryTurnStore(state),
        conversations=MemoryConversationStore(state),
        api_keys=api_keys,
        accounts=MemoryAccountStore(state, api_keys),
        audit_log=MemoryAuditLog(state),
        unready=_always_ready,
        **parts,
    )


async def _always_ready() -> Mapping[str, str]:
    return {}
