"""Makes the data directory of a server, whole or not at all, and recognises one made before."""

import os
import shutil
import tempfile
import time
from pathlib import Path
from subprocess import TimeoutExpired

from adapters.embedded.account import Account
from adapters.embedded.binaries import major_version
from adapters.embedded.errors import DirectoryNotOurs, StartFailed, WrongVersion
from adapters.embedded.layout import Layout, make_private
from adapters.embedded.process import end, here, log_size, log_tail, spawn

_HALF_MADE = "data.new-"
_SECONDS_TO_MAKE = 120.0
_SECONDS_TO_CLEAR = 5.0
# The locale is PostgreSQL's own, so that the order of text does not change with the system's
# library; trust is for the socket alone, which only the owner can reach.
_OPTIONS = (
    "--username=postgres",
    "--auth-local=trust",
    "--auth-host=reject",
    "--encoding=UTF8",
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--no-instructions",
)


def ensure_cluster(layout: Layout, installation: Path, account: Account, *, durable: bool) -> None:
    """Make the cluster if there is none, and check one that there is.

    To be called by the holder of the directory's lock.

    Raises:
        DirectoryNotOurs: there are files that are no cluster.
        StartFailed: initdb failed.
        WrongVersion: the cluster needs another major version of PostgreSQL.
    """
    for leftover in layout.root.glob(f"{_HALF_MADE}*"):
        _clear(leftover)
    if not layout.data.exists():
        _make(layout, installation, account, durable=durable)
    _check_version(layout, major_version(installation))


def _clear(leftover: Path) -> None:
    # The initdb of a process that was just killed may write on for a moment while it dies.
    deadline = time.monotonic() + _SECONDS_TO_CLEAR
    while leftover.exists() and time.monotonic() < deadline:
        shutil.rmtree(leftover, ignore_errors=True)


def _check_version(layout: Layout, ours: str) -> None:
    try:
        found = (layout.data / "PG_VERSION").read_text(encoding="ascii").strip()
    except OSError:
        reason = "it is there but holds no PostgreSQL cluster (no file PG_VERSION)"
        raise DirectoryNotOurs(layout.data, reason) from None
    if found != ours:
        raise WrongVersion(layout.data, found, ours)


def _make(layout: Layout, installation: Path, account: Account, *, durable: bool) -> None:
    aside = Path(tempfile.mkdtemp(prefix=_HALF_MADE, dir=layout.root))
    try:
        make_private(aside, account)
        _initialise(aside, layout, installation, account, durable=durable)
        aside.rename(layout.data)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    if durable:
        _sync(layout.root)


def _initialise(
    directory: Path, layout: Layout, installation: Path, account: Account, *, durable: bool
) -> None:
    initdb = str(installation / "bin" / "initdb")
    command = [initdb, "-D", here(directory, account), *_OPTIONS]
    since = log_size(layout)
    child = spawn(command if durable else [*command, "--no-sync"], directory, layout, account)
    try:
        status = child.wait(_SECONDS_TO_MAKE)
    except TimeoutExpired:
        status = -1
    finally:
        end(child)
    if status != 0:
        failure = "The database's directory could not be made by initdb"
        raise StartFailed(failure, layout.log, log_tail(layout, since))


def _sync(directory: Path) -> None:
    # initdb has written its files through; the name they were given last has to be as well.
    opened = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
