"""The banner says where the server is, what answers, and never a secret."""

from pathlib import Path

import pytest

from entrypoints.banner import banner
from entrypoints.settings import Provider, Settings
from entrypoints.wiring.storage import Storage

URL = "postgresql://app:hush@db.example.com/chat?sslmode=require"
EMBEDDED = Storage(owner_url="", app_url="", all_seeing_url="", revive=lambda: False)
OWN = Storage(owner_url=URL, app_url=URL, all_seeing_url=URL)


def test_an_embedded_database_is_named_by_its_directory() -> None:
    assert "embedded PostgreSQL in /srv/chat" in banner(
        Settings(data_dir=Path("/srv/chat")), EMBEDDED, "::1", 1
    )


def test_a_database_of_ones_own_is_named_without_its_password() -> None:
    words = banner(Settings(database_url=URL), OWN, "127.0.0.1", 8000)
    assert "PostgreSQL at db.example.com, database chat" in words
    assert "hush" not in words


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:80"),
        ("0.0.0.0", "http://localhost:80"),  # noqa: S104 - not bound
        ("::", "http://localhost:80"),
        ("::1", "http://[::1]:80"),
    ],
)
def test_the_address_is_one_that_can_be_visited(host: str, url: str) -> None:
    assert f"{url}/docs" in banner(Settings(), EMBEDDED, host, 80)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (Settings(), "NO REAL MODEL"),
        (Settings(llm=Provider.LOCAL), "real and weak"),
        (Settings(openai_api_key="hush"), "openai, its default model"),
        (Settings(gemini_api_key="hush", model="m"), "gemini, m"),
        (Settings(auth_jwks_url="https://a.example/jwks"), "known by AUTH_JWKS_URL"),
        (Settings(), "development key"),
    ],
)
def test_it_says_who_answers_and_how_callers_are_known(settings: Settings, words: str) -> None:
    told = banner(settings, EMBEDDED, "127.0.0.1", 8000)
    assert words in told
    assert "hush" not in told
