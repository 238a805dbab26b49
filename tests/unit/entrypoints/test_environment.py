"""The settings are read from the environment, and everything that is wrong is said at once."""

from pathlib import Path

import msgspec
import pytest

from chatcore.fair_use import Rate
from entrypoints.environment import SettingsFaulty, load_settings, unknown_variables
from entrypoints.rates import rate_of
from entrypoints.settings import Environment, Provider, Settings, described

SECRET = "0123456789abcdef0123456789abcdef"
NOWHERE = Path("/nonexistent/.env")


def load(**environ: str) -> Settings:
    return load_settings(environ, NOWHERE)


def faults(**environ: str) -> list[str]:
    with pytest.raises(SettingsFaulty) as caught:
        load(**environ)
    return caught.value.faults


def test_an_empty_environment_gives_the_defaults() -> None:
    assert load() == Settings()


def test_an_empty_variable_counts_as_unset() -> None:
    assert load(PORT="", DATABASE_URL="") == Settings()


def test_every_kind_of_value_is_read() -> None:
    settings = load(
        PORT="9000",
        CHATCORE_DATA_DIR="/srv/chat",
        CHATCORE_LLM="local",
        CHATCORE_MODEL_TIMEOUT="1.5",
        FRONTEND_URL="https://a.example, https://b.example/",
    )
    assert settings.port == 9000
    assert settings.data_directory == Path("/srv/chat")
    assert settings.provider is Provider.LOCAL
    assert settings.model_timeout == 1.5
    assert settings.origins == ("http://localhost:3000", "https://a.example", "https://b.example")


@pytest.mark.parametrize(
    "limit", ["CHATCORE_RATE_LIMIT", "CHATCORE_MAX_BODY", "CHATCORE_MAX_TURNS", "CHATCORE_MODEL_TIMEOUT"]
)
def test_off_switches_a_limit_off(limit: str) -> None:
    (field,) = (known.field for known in described() if known.variable.name == limit)
    assert getattr(load(**{limit: "off"}), field) is None


@pytest.mark.parametrize(
    ("text", "requests", "seconds"),
    [("5", 5, 60), ("10/second", 10, 1), ("600/minute", 600, 60), ("9/hour", 9, 3600), ("1/day", 1, 86_400)],
)
def test_a_rate_says_how_many_in_which_time(text: str, requests: int, seconds: int) -> None:
    assert load(CHATCORE_RATE_LIMIT=text).rate == Rate(requests=requests, seconds=seconds)


@pytest.mark.parametrize("text", ["0/minute", "-1", "1/fortnight", "1/", "many", "1.5/second", "٣"])
def test_what_is_no_rate_is_refused(text: str) -> None:
    assert faults(CHATCORE_RATE_LIMIT=text)[0].startswith("CHATCORE_RATE_LIMIT: must be a rate")
    with pytest.raises(ValueError, match="is no rate"):
        rate_of(text)


def test_callers_without_a_limit_come_from_addresses_without_one() -> None:
    limited = load(CHATCORE_ADDRESS_RATE_LIMIT="7/second")
    assert limited.address_rate == Rate(requests=7, seconds=1)
    assert load(CHATCORE_ADDRESS_RATE_LIMIT="off").address_rate is None
    unlimited = load(CHATCORE_RATE_LIMIT="off", CHATCORE_ADDRESS_RATE_LIMIT="7/second")
    assert (unlimited.rate, unlimited.address_rate) == (None, None)


def test_off_is_no_value_where_nothing_can_be_switched_off() -> None:
    assert faults(CHATCORE_POOL_MAX="off") == [
        "CHATCORE_POOL_MAX: must be a whole number from 1 to 1000, not 'off'"
    ]


def test_all_faults_are_reported_at_once() -> None:
    found = faults(PORT="eighty", CHATCORE_LLM="parrot", CHATCORE_RATE_LIMIT="0", AUTH_JWT_SECRET="short")
    assert [fault.split(":")[0] for fault in found] == [
        "PORT",
        "CHATCORE_LLM",
        "CHATCORE_RATE_LIMIT",
        "AUTH_JWT_SECRET",
    ]
    assert found[1] == "CHATCORE_LLM: must be one of `openai`, `gemini`, `local`, `offline`, not 'parrot'"
    assert found[2] == "CHATCORE_RATE_LIMIT: must be a rate such as `600/minute` or `off`, not '0'"


def test_no_fault_and_no_representation_quotes_a_secret() -> None:
    environ = {known.variable.name: f"hush-{known.field}" for known in described() if known.variable.secret}
    with pytest.raises(SettingsFaulty) as caught:
        load(**environ)
    assert "hush" not in str(caught.value)
    secrets = {known.field: "hush" for known in described() if known.variable.secret}
    assert "hush" not in repr(msgspec.structs.replace(Settings(), **secrets))


def test_production_names_the_settings_that_would_authenticate() -> None:
    (fault,) = faults(CHATCORE_ENV="production")
    assert fault.startswith("CHATCORE_ENV: production needs an explicit authentication setting")
    assert "AUTH_JWT_SECRET, AUTH_JWKS_URL or BETTER_AUTH_SECRET" in fault


def test_production_with_authentication_is_accepted() -> None:
    assert load(CHATCORE_ENV="production", AUTH_JWT_SECRET=SECRET).env is Environment.PRODUCTION


@pytest.mark.parametrize(
    ("variable", "url"),
    [
        ("OPENAI_BASE_URL", "http://models.example.com/v1"),
        ("DATABASE_URL", "postgresql://app:pw@db.example.com/chat"),
        ("DATABASE_URL", "postgresql://app:pw@db.example.com/chat?sslmode=prefer"),
        ("DATABASE_URL", "postgresql:///chat?host=10.0.0.5"),
        ("DATABASE_URL_UNPOOLED", "postgresql://app:pw@10.0.0.5/chat?sslmode=disable"),
    ],
)
def test_production_refuses_to_talk_in_the_clear(variable: str, url: str) -> None:
    (fault,) = faults(CHATCORE_ENV="production", AUTH_JWT_SECRET=SECRET, **{variable: url})
    assert fault.startswith(f"{variable}: production wants")


@pytest.mark.parametrize(
    ("variable", "url"),
    [
        ("OPENAI_BASE_URL", "http://127.0.0.1:9999/v1"),
        ("OPENAI_BASE_URL", "http://localhost/v1"),
        ("OPENAI_BASE_URL", "http://[::1]:9999/v1"),
        ("OPENAI_BASE_URL", "https://models.example.com/v1"),
        ("DATABASE_URL", "postgresql://app:pw@127.0.0.1:5432/chat"),
        ("DATABASE_URL", "postgresql://app@/chat?host=/run/postgresql"),
        ("DATABASE_URL", "postgresql://app:pw@database/chat"),
        ("DATABASE_URL", "postgresql://app:pw@db.example.com/chat?sslmode=verify-full"),
    ],
)
def test_production_accepts_what_cannot_be_overheard(variable: str, url: str) -> None:
    load(CHATCORE_ENV="production", AUTH_JWT_SECRET=SECRET, **{variable: url})


@pytest.mark.parametrize(
    ("environ", "variable"),
    [
        ({"CHATCORE_LLM": "openai"}, "CHATCORE_LLM"),
        ({"CHATCORE_LLM": "gemini"}, "CHATCORE_LLM"),
        ({"DATABASE_URL": "mysql://chat"}, "DATABASE_URL"),
        ({"OPENAI_BASE_URL": "localhost:8000"}, "OPENAI_BASE_URL"),
        ({"AUTH_JWKS_URL": "http://[broken"}, "AUTH_JWKS_URL"),
        ({"AUTH_JWT_SECRET": f"-----BEGIN PUBLIC KEY-----\n{SECRET}"}, "AUTH_JWT_SECRET"),
        ({"AUTH_JWT_SECRET": f"ssh-ed25519 {SECRET}"}, "AUTH_JWT_SECRET"),
        ({"AUTH_JWKS_URL": "http://auth.example.com/jwks"}, "AUTH_JWKS_URL"),
        ({"AUTH_JWKS_URL": "http://auth/jwks"}, "AUTH_JWKS_URL"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "localhost:4318"}, "OTEL_EXPORTER_OTLP_ENDPOINT"),
        ({"FRONTEND_URL": "*"}, "FRONTEND_URL"),
        ({"CHATCORE_TRUSTED_PROXIES": "10.0.0.1/8"}, "CHATCORE_TRUSTED_PROXIES"),
        ({"BETTER_AUTH_SECRET": SECRET}, "BETTER_AUTH_SECRET"),
        ({"BETTER_AUTH_DATABASE_URL": "postgresql://127.0.0.1/auth"}, "BETTER_AUTH_DATABASE_URL"),
    ],
)
def test_what_does_not_fit_together_is_a_fault(environ: dict[str, str], variable: str) -> None:
    (fault,) = faults(**environ)
    assert fault.startswith(f"{variable}: ")


@pytest.mark.parametrize(
    ("environ", "provider"),
    [
        ({}, Provider.OFFLINE),
        ({"OPENAI_API_KEY": "k"}, Provider.OPENAI),
        ({"GEMINI_API_KEY": "k"}, Provider.GEMINI),
        ({"OPENAI_API_KEY": "k", "GEMINI_API_KEY": "k"}, Provider.OPENAI),
        ({"OPENAI_API_KEY": "k", "CHATCORE_LLM": "offline"}, Provider.OFFLINE),
        ({"CHATCORE_LLM": "openai", "OPENAI_BASE_URL": "http://127.0.0.1/v1"}, Provider.OPENAI),
    ],
)
def test_the_provider_is_the_chosen_one_or_the_one_with_a_key(
    environ: dict[str, str], provider: Provider
) -> None:
    assert load(**environ).provider is provider


def test_a_secret_may_lie_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(f"{SECRET}\n")
    assert load(AUTH_JWT_SECRET_FILE=str(tmp_path / "secret")).auth_jwt_secret == SECRET


def test_a_secret_given_twice_or_not_readable_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff")
    assert faults(AUTH_JWT_SECRET=SECRET, AUTH_JWT_SECRET_FILE="x") == [
        "AUTH_JWT_SECRET: is set, and AUTH_JWT_SECRET_FILE too; unset one of them"
    ]
    assert "cannot be read (No such file" in faults(AUTH_JWT_SECRET_FILE=str(tmp_path / "missing"))[0]
    assert "no UTF-8 text" in faults(AUTH_JWT_SECRET_FILE=str(tmp_path / "binary"))[0]


def test_what_is_no_secret_is_read_from_no_file() -> None:
    assert load(PORT_FILE="/etc/passwd") == Settings()


def test_the_environment_wins_over_the_file_of_a_developer(tmp_path: Path) -> None:
    dotenv = tmp_path / ".env"
    dotenv.write_text("PORT=1\nHOST=0.0.0.0\nCHATCORE_MODEL=a${PORT}b\n")
    settings = load_settings({"PORT": "2"}, dotenv)
    assert (settings.port, settings.host, settings.model) == (2, "0.0.0.0", "a${PORT}b")  # noqa: S104 - not bound


def test_production_does_not_read_the_file_of_a_developer(tmp_path: Path) -> None:
    dotenv = tmp_path / ".env"
    dotenv.write_text("PORT=1\n")
    environ = {"CHATCORE_ENV": "production", "AUTH_JWT_SECRET": SECRET}
    assert load_settings(environ, dotenv).port == Settings().port


def test_the_file_of_a_developer_cannot_declare_production(tmp_path: Path) -> None:
    dotenv = tmp_path / ".env"
    dotenv.write_text(f"CHATCORE_ENV=production\nAUTH_JWT_SECRET={SECRET}\n")
    with pytest.raises(SettingsFaulty, match="set production in the environment itself"):
        load_settings({}, dotenv)


def test_a_misspelt_variable_is_found() -> None:
    assert unknown_variables({"CHATCORE_RATELIMIT": "1", "CHATCORE_ENV": "x", "PATH": "y"}) == [
        "CHATCORE_RATELIMIT"
    ]
