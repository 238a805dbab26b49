"""Tokens are printed, and believed by the authenticator of the same settings."""

import time
from pathlib import Path

import jwt
import pytest

from adapters.auth.hs256 import Hs256Authenticator
from chatcore.ports.authenticator import Credentials
from tests.cli.conftest import Run

SECRET = "0123456789abcdef0123456789abcdef"


@pytest.mark.anyio
async def test_a_token_is_believed(run: Run) -> None:
    token = run("token", "ada", AUTH_JWT_SECRET=SECRET).stdout.strip()
    authenticator = Hs256Authenticator(SECRET)
    principal = await authenticator.authenticate(Credentials(authorization=(f"Bearer {token}",), cookies={}))
    assert principal.user_id == "ada"


@pytest.mark.parametrize(("ttl", "seconds"), [("90s", 90), ("15m", 900), ("1h", 3600), ("7d", 604_800)])
def test_a_token_is_valid_as_long_as_wished(run: Run, ttl: str, seconds: int) -> None:
    token = run("token", "ada", "--ttl", ttl, AUTH_JWT_SECRET=SECRET).stdout.strip()
    claims = jwt.decode(token, SECRET, algorithms=["HS256"])
    assert claims["exp"] - claims["iat"] == seconds
    assert abs(claims["iat"] - time.time()) < 60


def test_a_token_names_the_issuer_and_audience_that_are_set(run: Run) -> None:
    token = run("token", "ada", AUTH_JWT_SECRET=SECRET, AUTH_ISSUER="me", AUTH_AUDIENCE="you").stdout.strip()
    claims = jwt.decode(token, SECRET, algorithms=["HS256"], audience="you", issuer="me")
    assert claims["sub"] == "ada"


def test_a_developers_tokens_are_signed_with_the_key_that_is_kept(run: Run, tmp_path: Path) -> None:
    token = run("token", "ada").stdout.strip()
    jwt.decode(token, (tmp_path / "data" / "development.key").read_text(), algorithms=["HS256"])


@pytest.mark.parametrize("ttl", ["0s", "1", "h", "-1h", "1w"])
def test_no_length_of_time_is_an_error_of_usage(run: Run, ttl: str) -> None:
    assert run("token", "ada", "--ttl", ttl).exit_code == 2


def test_an_impossible_user_is_an_error_of_usage(run: Run) -> None:
    assert run("token", "a b").exit_code == 2


def test_no_token_is_signed_where_others_sign(run: Run) -> None:
    result = run("token", "ada", AUTH_JWKS_URL="https://auth.example.com/jwks")
    assert result.exit_code == 1
    assert "AUTH_JWKS_URL" in result.stderr


def test_a_key_that_cannot_be_kept_is_told(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = run("token", "ada", CHATCORE_DATA_DIR=str(tmp_path / "file"))
    assert result.exit_code == 1
    assert "development key" in result.stderr
