"""Exclusive ownership of a directory, which the kernel takes back when the process dies."""

import fcntl
import os
from pathlib import Path

from adapters.embedded.account import Account


class DirectoryLock:
    """An advisory lock on a file that also names its holder, for messages only."""

    def __init__(self, path: Path) -> None:
        """Describe a lock on ``path``; it is made when the lock is first taken."""
        self._path = path
        self._file: int | None = None

    def acquire(self, account: Account) -> bool:
        """Take the lock without waiting; return whether it is ours now."""
        if self._file is not None:
            return True
        file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            return False
        if account.switched:
            os.fchown(file, account.uid, account.gid)
        os.ftruncate(file, 0)
        os.write(file, f"{os.getpid()}\n".encode())
        self._file = file
        return True

    def release(self) -> None:
        """Give the lock back. The file stays: removing it would let two processes hold one each."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def holder(self) -> str:
        """Return the process id of the last one to take the lock, or a question mark."""
        try:
            return self._path.read_text(encoding="ascii").strip() or "?"
        except OSError:
            return "?"
