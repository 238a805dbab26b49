"""Runs PostgreSQL's programs as children that die with us, and ends them in bounded time."""

import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen, TimeoutExpired

from adapters.embedded.account import Account
from adapters.embedded.errors import StartFailed
from adapters.embedded.layout import Layout

_LAUNCH = Path(__file__).with_name("launch.py")
# Nothing of ours is handed down: the environment holds keys, and a superuser can read the server's.
_ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}
_TAIL = 2_000
# Fast shutdown (seconds allowed), then immediate, which costs a recovery at the next start.
ENDINGS = ((signal.SIGINT, 5.0), (signal.SIGQUIT, 2.0), (signal.SIGKILL, 2.0))


def here(directory: Path, account: Account) -> str:
    """Return how ``account`` names its working directory, when it may be unable to walk there."""
    return "/proc/self/cwd" if account.switched and sys.platform == "linux" else str(directory)


def spawn(command: Sequence[str], directory: Path, layout: Layout, account: Account) -> Popen[bytes]:
    """Start ``command`` in ``directory`` as ``account``, its words going to the server's log.

    Raises:
        StartFailed: it could not become the account, or not write its log.
    """
    log = os.path.relpath(layout.log, directory)
    launch = [sys.executable, "-I", "-S", str(_LAUNCH), str(os.getpid())]
    who = [str(account.uid), str(account.gid), str(directory), log]
    child = Popen(  # noqa: S603 - every word is ours
        [*launch, *who, *command],
        stdin=DEVNULL,
        stdout=DEVNULL,
        stderr=PIPE,
        env=_ENVIRONMENT,
        start_new_session=True,
    )
    _await_launch(child, layout)
    return child


def _await_launch(child: Popen[bytes], layout: Layout) -> None:
    # The pipe ends when the child has turned its words to the log; what comes before is a refusal.
    if child.stderr is None:
        return
    with child.stderr as words:
        refusal = words.read().decode(errors="replace").strip()
    if refusal:
        end(child)
        raise StartFailed("PostgreSQL could not be launched", layout.log, refusal)


def end(child: Popen[bytes], endings: Sequence[tuple[signal.Signals, float]] = ENDINGS) -> None:
    """End a child, politely first; returns at once when it has already ended."""
    for how, seconds in endings:
        if child.poll() is not None:
            return
        child.send_signal(how)
        try:
            child.wait(seconds)
        except TimeoutExpired:
            continue


def log_size(layout: Layout) -> int:
    """Return the length of the log in bytes, 0 when there is none."""
    try:
        return layout.log.stat().st_size
    except FileNotFoundError:
        return 0


def log_tail(layout: Layout, since: int) -> str:
    """Return the last words of the log that were written after position ``since``."""
    try:
        with layout.log.open("rb") as log:
            size = log.seek(0, os.SEEK_END)
            log.seek(max(size - _TAIL, since if since <= size else 0))
            return log.read().decode(errors="replace").strip()
    except FileNotFoundError:
        return ""
