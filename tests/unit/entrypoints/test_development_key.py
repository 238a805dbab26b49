"""A developer's key is made once, kept for its owner alone, and never made where it could hide a mistake."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from entrypoints.development_key import signing_secret
from entrypoints.settings import Environment, Settings


def test_a_key_is_made_once_and_kept(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    first = signing_secret(settings)
    assert first is not None
    assert len(first.encode()) >= 32
    assert signing_secret(settings) == first
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["development.key"]


def test_only_its_owner_can_read_it(tmp_path: Path) -> None:
    signing_secret(Settings(data_dir=tmp_path))
    assert stat.S_IMODE((tmp_path / "development.key").stat().st_mode) == 0o600


def test_simultaneous_first_starts_agree_on_one_key(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    with ThreadPoolExecutor(16) as pool:
        keys = set(pool.map(lambda _: signing_secret(settings), range(64)))
    assert len(keys) == 1


def test_a_secret_that_is_set_is_the_one() -> None:
    assert signing_secret(Settings(auth_jwt_secret="s" * 32)) == "s" * 32


def test_no_key_is_made_where_callers_are_known_by_other_means(tmp_path: Path) -> None:
    assert signing_secret(Settings(data_dir=tmp_path, auth_jwks_url="https://a.example/jwks")) is None
    assert signing_secret(Settings(data_dir=tmp_path, env=Environment.PRODUCTION)) is None
    assert not list(tmp_path.iterdir())
