"""The key that signs the tokens of a developer's own installation, made once and kept in its data directory."""

import os
import secrets
from contextlib import suppress
from pathlib import Path

from entrypoints.settings import Settings

_NAME = "development.key"


def signing_secret(settings: Settings) -> str | None:
    """Return the secret of HS256 tokens: the one that is set, or a developer's, which is made if need be.

    None where callers are known by other means alone.

    Raises:
        OSError: the data directory cannot be read or written.
    """
    if settings.auth_jwt_secret is not None:
        return settings.auth_jwt_secret
    if settings.authentication or settings.production:
        return None
    return _kept(settings.data_directory / _NAME)


def _kept(path: Path) -> str:
    with suppress(FileNotFoundError):
        return path.read_text(encoding="ascii")
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Written aside and linked, so that of two first starts at once both take the key of one.
    aside = path.with_name(f"{_NAME}.{secrets.token_hex(8)}")
    with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
        file.write(secrets.token_urlsafe(48))
    try:
        with suppress(FileExistsError):
            os.link(aside, path)
    finally:
        aside.unlink()
    return path.read_text(encoding="ascii")
