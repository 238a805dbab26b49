"""Installs and runs the Better Auth server, in a cache directory and never in the repository."""

import contextlib
import json
import os
import select
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import platformdirs

_HERE = Path(__file__).parent
_FILES = ("package.json", "package-lock.json", ".npmrc", "server.mjs")
SECRET = "the secret of Better Auth and of nobody else"
ROTATION_SECONDS = 3


class Absent(Exception):
    """The server cannot run here; says why."""


@dataclass(frozen=True, kw_only=True)
class BetterAuth:
    """A running server."""

    url: str
    secure_cookies: bool

    @property
    def key_set_url(self) -> str:
        return f"{self.url}/api/auth/jwks"


def installed() -> Path:
    """Return a directory with everything installed as the lock has it, made once for each state of the files.

    Raises:
        Absent: Node or npm is not there, or npm could not install.
    """
    missing = [program for program in ("node", "npm") if shutil.which(program) is None]
    if missing:
        raise Absent(f"no {' and no '.join(missing)} on this machine")
    digest = sha256(b"\x00".join((_HERE / name).read_bytes() for name in _FILES)).hexdigest()
    ready = platformdirs.user_cache_path("chatcore") / f"better-auth-{digest[:16]}"
    if not ready.exists():
        _install(ready)
    return ready


def _install(ready: Path) -> None:
    ready.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=ready.parent) as temporary:
        made = Path(temporary) / "made"
        made.mkdir()
        for name in _FILES:
            shutil.copy(_HERE / name, made)
        try:
            subprocess.run(["npm", "ci"], cwd=made, check=True, capture_output=True, text=True, timeout=120)
        except subprocess.SubprocessError as error:
            told = getattr(error, "stderr", None) or str(error)
            raise Absent(f"npm ci failed: {told[-500:]}") from error
        # Whoever was faster has made the same.
        with contextlib.suppress(OSError):
            made.rename(ready)


@contextlib.contextmanager
def running(directory: Path, database_url: str, *, secure_cookies: bool) -> Iterator[BetterAuth]:
    """Yield a server that keeps its tables in a database where they may be made."""
    environment = {
        "BETTER_AUTH_SECRET": SECRET,
        "DATABASE_URL": database_url,
        "HOME": str(directory),
        "PATH": os.environ["PATH"],
        "ROTATION_SECONDS": str(ROTATION_SECONDS),
        "SECURE_COOKIES": "yes" if secure_cookies else "no",
    }
    server = subprocess.Popen(
        ["node", "server.mjs"],
        cwd=directory,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield BetterAuth(url=_address(server), secure_cookies=secure_cookies)
    finally:
        server.kill()
        server.communicate()


def _address(server: "subprocess.Popen[str]") -> str:
    assert server.stdout is not None
    ready, _, _ = select.select([server.stdout], [], [], 60)
    line = server.stdout.readline() if ready else ""
    if not line:
        server.kill()
        raise AssertionError(f"Better Auth did not start: {server.communicate()[1][-2000:]}")
    return str(json.loads(line)["url"])
