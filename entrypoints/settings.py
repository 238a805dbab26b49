"""Every setting of the program: its variable, its meaning with its unit, its default, as one immutable value.

`entrypoints.environment` reads a `Settings` from the environment and checks it; `.env.example` and the table
in README.md are generated from what stands here; tests simply make one.
"""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from chatcore.fair_use import Rate
from entrypoints.rates import PATTERN, rate_of

LOCAL_FRONTEND = "http://localhost:3000"


class Environment(StrEnum):
    """How careful the program has to be."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"


class Provider(StrEnum):
    """Who answers."""

    OPENAI = "openai"
    GEMINI = "gemini"
    LOCAL = "local"
    OFFLINE = "offline"


class Client(StrEnum):
    """What puts requests to a provider together."""

    SDK = "sdk"
    DIRECT = "direct"


class Switch(StrEnum):
    """Whether something is done at all."""

    ON = "on"
    OFF = "off"


class LogLevel(StrEnum):
    """The least important event that is written down."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Variable(Struct, frozen=True):
    """The environment variable of a setting; `default` says in words what no value can say."""

    name: str
    meaning: str
    default: str = ""
    secret: bool = False


RateText = Annotated[str, Meta(pattern=PATTERN)]
PositiveInt = Annotated[int, Meta(ge=1)]
Seconds = Annotated[float, Meta(gt=0, le=3600)]


class Settings(Struct, frozen=True, kw_only=True):
    """The settings. A limit that may be None is switched off by the word `off` in its variable."""

    env: Annotated[
        Environment,
        Variable("CHATCORE_ENV", "`development`, or `production`, which demands an authentication setting"),
    ] = Environment.DEVELOPMENT
    host: Annotated[str, Variable("HOST", "address to listen on")] = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535), Variable("PORT", "port to listen on; 0 takes a free one")] = 8000
    log_level: Annotated[LogLevel, Variable("CHATCORE_LOG_LEVEL", "`debug`, `info`, `warning` or `error`")] = (
        LogLevel.INFO
    )
    audit: Annotated[
        Switch,
        Variable("CHATCORE_AUDIT", "`off` keeps no row of what users do in the database; the lines remain"),
    ] = Switch.ON
    otlp_endpoint: Annotated[
        str | None,
        Variable(
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            "OpenTelemetry collector for traces, such as `http://localhost:4318`; needs the extra `tracing`",
            default="no traces",
        ),
    ] = None
    drain: Annotated[
        Annotated[float, Meta(ge=0, le=300)],
        Variable("CHATCORE_DRAIN", "seconds that running turns are given to end when the server is stopped"),
    ] = 20.0

    database_url: Annotated[
        str | None,
        Variable(
            "DATABASE_URL",
            "PostgreSQL, as the role that serves",
            default="a real PostgreSQL is started under `CHATCORE_DATA_DIR` and stopped with the server",
            secret=True,
        ),
    ] = None
    database_url_unpooled: Annotated[
        str | None,
        Variable(
            "DATABASE_URL_UNPOOLED",
            "PostgreSQL, as the schema's owner and past any pooler, for `chatcore migrate`",
            default="`DATABASE_URL`",
            secret=True,
        ),
    ] = None
    database_url_backup: Annotated[
        str | None,
        Variable(
            "DATABASE_URL_BACKUP",
            "PostgreSQL, as a role that sees all rows, for `chatcore backup`",
            default="`DATABASE_URL_UNPOOLED`",
            secret=True,
        ),
    ] = None
    data_dir: Annotated[
        Path | None,
        Variable(
            "CHATCORE_DATA_DIR",
            "where the embedded database and the development key live",
            default="the platform's user data directory",
        ),
    ] = None
    pool_max: Annotated[
        int, Meta(ge=1, le=1000), Variable("CHATCORE_POOL_MAX", "database connections of one process, at most")
    ] = 10

    llm: Annotated[
        Provider | None,
        Variable(
            "CHATCORE_LLM",
            "`openai`, `gemini`, `local`, or `offline`, which is no real model and says so",
            default="`openai` or `gemini` when its key is set, else `offline`",
        ),
    ] = None
    model: Annotated[str | None, Variable("CHATCORE_MODEL", "the model's name", default="the provider's")] = (
        None
    )
    fallback_model: Annotated[
        str | None,
        Variable("CHATCORE_FALLBACK_MODEL", "another model of the provider, asked where the first one fails"),
    ] = None
    openai_api_key: Annotated[
        str | None, Variable("OPENAI_API_KEY", "key of OpenAI or of a compatible provider", secret=True)
    ] = None
    openai_base_url: Annotated[
        str | None,
        Variable("OPENAI_BASE_URL", "any OpenAI-compatible endpoint", default="OpenAI's own"),
    ] = None
    gemini_api_key: Annotated[
        str | None, Variable("GEMINI_API_KEY", "key of Google's OpenAI-compatible endpoint", secret=True)
    ] = None
    llm_client: Annotated[
        Client,
        Variable(
            "CHATCORE_LLM_CLIENT",
            "`sdk` asks providers through OpenAI's SDK, `direct` without it, at a third less work for a turn",
        ),
    ] = Client.SDK
    model_timeout: Annotated[
        Seconds | None,
        Variable("CHATCORE_MODEL_TIMEOUT", "seconds that a whole model call may take, retries included"),
    ] = 120.0

    textbook_instructions: Annotated[
        str | None,
        Variable(
            "CHATCORE_TEXTBOOK_INSTRUCTIONS",
            "what the model is told on `/chat`",
            default="the assistant of the textbook 'Physical AI & Humanoid Robotics'",
        ),
    ] = None
    textbook_window: Annotated[
        int,
        Meta(ge=0, le=10),
        Variable("CHATCORE_TEXTBOOK_WINDOW", "earlier messages that a model is shown on `/chat`, at most"),
    ] = 10
    assistant_instructions: Annotated[
        str | None,
        Variable(
            "CHATCORE_ASSISTANT_INSTRUCTIONS",
            "what the model is told on `/api/{user_id}/chat`",
            default="a helpful assistant",
        ),
    ] = None
    assistant_window: Annotated[
        int,
        Meta(ge=0, le=1000),
        Variable(
            "CHATCORE_ASSISTANT_WINDOW",
            "earlier messages that a model is shown on `/api/{user_id}/chat`, at most",
        ),
    ] = 50
    history_tokens: Annotated[
        PositiveInt | None,
        Variable("CHATCORE_HISTORY_TOKENS", "tokens, about, that a prompt may have there before it forgets"),
    ] = 8000

    frontend_url: Annotated[
        tuple[str, ...],
        Variable(
            "FRONTEND_URL", f"origins that browsers may call from beside {LOCAL_FRONTEND}, comma separated"
        ),
    ] = ()
    trusted_proxies: Annotated[
        tuple[str, ...],
        Variable(
            "CHATCORE_TRUSTED_PROXIES",
            "networks of proxies whose `X-Forwarded-For` is believed, such as `10.0.0.0/8`, comma separated",
        ),
    ] = ()

    auth_jwt_secret: Annotated[
        str | None,
        Variable(
            "AUTH_JWT_SECRET",
            "secret of HS256 tokens, 32 bytes or more",
            default="in development without other authentication, a key kept in `CHATCORE_DATA_DIR`",
            secret=True,
        ),
    ] = None
    auth_jwks_url: Annotated[
        str | None, Variable("AUTH_JWKS_URL", "where the public keys of asymmetric tokens are published")
    ] = None
    auth_issuer: Annotated[str | None, Variable("AUTH_ISSUER", "the `iss` that a token must have")] = None
    auth_audience: Annotated[str | None, Variable("AUTH_AUDIENCE", "the `aud` that a token must have")] = None
    better_auth_secret: Annotated[
        str | None, Variable("BETTER_AUTH_SECRET", "Better Auth's secret, for its sessions", secret=True)
    ] = None
    better_auth_database_url: Annotated[
        str | None,
        Variable(
            "BETTER_AUTH_DATABASE_URL",
            "the PostgreSQL that has Better Auth's tables",
            default="`DATABASE_URL`",
            secret=True,
        ),
    ] = None

    rate_limit: Annotated[
        RateText | None,
        Variable(
            "CHATCORE_RATE_LIMIT",
            "questions that one user, or one session, may ask, as `5/second`, `5/minute`, `5/hour` or `5/day`;"
            " `off` lifts that of addresses, too",
        ),
    ] = "1200/minute"
    address_rate_limit: Annotated[
        RateText | None,
        Variable(
            "CHATCORE_ADDRESS_RATE_LIMIT",
            "questions that may come from one network address, or one IPv6 /64, in the same form",
        ),
    ] = "30000/minute"
    daily_tokens: Annotated[
        PositiveInt | None,
        Variable("CHATCORE_DAILY_TOKENS", "tokens that one user may spend in a day (UTC)", default="`off`"),
    ] = None
    max_body: Annotated[
        PositiveInt | None, Variable("CHATCORE_MAX_BODY", "bytes of a request's body, at most")
    ] = 1_048_576
    max_turns: Annotated[
        PositiveInt | None, Variable("CHATCORE_MAX_TURNS", "turns that one process runs at once, at most")
    ] = 2000
    turn_lease: Annotated[
        Annotated[float, Meta(ge=1, le=3600)],
        Variable("CHATCORE_TURN_LEASE", "seconds after which a turn whose process is gone is interrupted"),
    ] = 30.0

    @property
    def production(self) -> bool:
        """Whether the program has to be careful."""
        return self.env is Environment.PRODUCTION

    @property
    def embedded(self) -> bool:
        """Whether the database is the one that is started with the server."""
        return self.database_url is None

    @property
    def provider(self) -> Provider:
        """Who answers: whoever was chosen, else the provider whose key is there, else nobody real."""
        if self.llm is not None:
            return self.llm
        if self.openai_api_key is not None:
            return Provider.OPENAI
        return Provider.OFFLINE if self.gemini_api_key is None else Provider.GEMINI

    @property
    def capacity(self) -> int:
        """How many turns may run at the same time in one process."""
        return sys.maxsize if self.max_turns is None else self.max_turns

    @property
    def rate(self) -> Rate | None:
        """How much one user, or one session, may ask."""
        return None if self.rate_limit is None else rate_of(self.rate_limit)

    @property
    def address_rate(self) -> Rate | None:
        """How much may be asked from one address."""
        if self.rate_limit is None or self.address_rate_limit is None:
            return None
        return rate_of(self.address_rate_limit)

    @property
    def origins(self) -> tuple[str, ...]:
        """The origins that browsers may call from."""
        return tuple(dict.fromkeys((LOCAL_FRONTEND, *self.frontend_url)))

    @property
    def authentication(self) -> tuple[str, ...]:
        """The variables that say explicitly how callers are known."""
        explicit = {
            "AUTH_JWT_SECRET": self.auth_jwt_secret,
            "AUTH_JWKS_URL": self.auth_jwks_url,
            "BETTER_AUTH_SECRET": self.better_auth_secret,
        }
        return tuple(name for name, value in explicit.items() if value is not None)

    @property
    def sessions_url(self) -> str | None:
        """The database URL of Better Auth's tables, where it is used."""
        return (self.better_auth_database_url or self.database_url) if self.better_auth_secret else None

    @property
    def data_directory(self) -> Path:
        """Where the embedded database and the development key live."""
        if self.data_dir is not None:
            return self.data_dir.expanduser().absolute()
        # Here and not above: few commands need it, and all have to start fast.
        from platformdirs import user_data_path  # noqa: PLC0415

        return user_data_path("chatcore", appauthor=False)

    def __repr__(self) -> str:
        """Return the settings with every secret masked."""
        shown = (f"{known.field}={known.shown(getattr(self, known.field))}" for known in described())
        return f"Settings({', '.join(shown)})"


class Described(Struct, frozen=True, kw_only=True):
    """What is known of one setting: its field and type, its variable, its default, whether `off` is a value."""

    field: str
    type: object
    variable: Variable
    default: object
    switchable: bool

    def shown(self, value: object) -> str:
        """Return a value as it may be shown to anybody."""
        return "***" if self.variable.secret and value is not None else repr(value)

    @property
    def wanted(self) -> str:
        """What a value has to be, in words."""
        words = _in_words(msgspec.inspect.type_info(self.type))
        return f"{words} or `off`" if self.switchable else words

    @property
    def default_in_words(self) -> str:
        """The default as a person reads it; empty where the setting is simply not set."""
        if self.variable.default or self.default in {None, ()}:
            return self.variable.default
        return f"{self.default:g}" if isinstance(self.default, float) else str(self.default)


def described() -> tuple[Described, ...]:
    """Return what is known of each setting, in the order in which they stand above."""
    return tuple(_described(field) for field in msgspec.structs.fields(Settings))


def _described(field: msgspec.structs.FieldInfo) -> Described:
    (variable,) = (mark for mark in field.type.__metadata__ if isinstance(mark, Variable))
    kind = msgspec.inspect.type_info(field.type)
    switchable = isinstance(kind, msgspec.inspect.UnionType) and any(map(_bounds, kind.types))
    return Described(
        field=field.name, type=field.type, variable=variable, default=field.default, switchable=switchable
    )


def _bounds(kind: msgspec.inspect.Type) -> bool:
    """Return whether a value of this type bounds something, which can be switched off."""
    match kind:
        case msgspec.inspect.IntType() | msgspec.inspect.FloatType():
            return True
        case msgspec.inspect.StrType(pattern=pattern):
            return pattern == PATTERN
        case _:
            return False


def _in_words(kind: msgspec.inspect.Type) -> str:
    match kind:
        case msgspec.inspect.UnionType(types=types):
            return _in_words(next(one for one in types if not isinstance(one, msgspec.inspect.NoneType)))
        case msgspec.inspect.EnumType(cls=cls):
            return "one of " + ", ".join(f"`{member.value}`" for member in cls)
        case msgspec.inspect.IntType(ge=least, le=most):
            return _range("a whole number", "from", least, most)
        case msgspec.inspect.FloatType(ge=least, gt=above, le=most):
            return _range(
                "a number of seconds", "from" if above is None else "above", least or above or 0, most
            )
        case msgspec.inspect.StrType(pattern=pattern) if pattern == PATTERN:
            return "a rate such as `600/minute`"
        case _:
            return "a text"


def _range(noun: str, word: str, least: float | None, most: float | None) -> str:
    bounds = (f" {word} {least:g}" if least is not None else "") + (f" to {most:g}" if most is not None else "")
    return noun + bounds
