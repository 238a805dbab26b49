"""Becomes PostgreSQL: run as a script, it drops root, ties itself to its parent and execs.

It is a program of its own because code between fork and exec may deadlock in a process that has
threads, and because the death signal is forgotten by the kernel when the user changes, so it has to
be set after that and before the exec.

Arguments: parent's pid, uid, gid, working directory, log file (relative to it), then the command.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1
_LARGEST_LOG = 5_000_000


def _become(uid: int, gid: int) -> None:
    if uid != os.geteuid():
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)


def _die_with(parent: int) -> None:
    if sys.platform != "linux":
        return
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGINT)
    # The parent may have died before the request was made, and then no signal comes.
    if os.getppid() != parent:
        sys.exit("the process that started PostgreSQL is gone")


def _write_to(log: str) -> None:
    # Opened as the server's user, never as root: the directory is the server's to change, and
    # a symbolic link in it must not lead root anywhere.
    if os.path.exists(log) and os.lstat(log).st_size > _LARGEST_LOG:  # noqa: PTH110 - pathlib costs 10 ms
        os.replace(log, f"{log}.1")  # noqa: PTH105
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
    os.dup2(file, sys.stdout.fileno())
    os.dup2(file, sys.stderr.fileno())


def _launch(parent: str, uid: str, gid: str, directory: str, log: str, *command: str) -> None:
    os.umask(0o077)
    os.chdir(directory)  # before the user changes: the way there may be closed to the new one
    _become(int(uid), int(gid))
    _die_with(int(parent))
    _write_to(log)
    os.execv(command[0], command)  # noqa: S606 - no shell is what is wanted


if __name__ == "__main__":
    try:
        _launch(*sys.argv[1:])
    except OSError as error:
        sys.exit(str(error))
