"""The supervisor of one embedded PostgreSQL: starts it, attaches to it, ends it, starts it again."""

import threading
import time
from collections.abc import Mapping
from pathlib import Path
from subprocess import Popen
from types import MappingProxyType, TracebackType
from typing import Self

from adapters.embedded.account import Account, account_for
from adapters.embedded.binaries import reachable_installation
from adapters.embedded.cluster import ensure_cluster
from adapters.embedded.errors import HeldWithoutServer, StartFailed, WrongThread
from adapters.embedded.layout import PORT, Layout
from adapters.embedded.lock import DirectoryLock
from adapters.embedded.postmaster import await_orphan, forget_dead, listens, ready_pid
from adapters.embedded.process import end, here, log_size, log_tail, spawn

_SECONDS_TO_BE_READY = 60.0  # a recovery after a crash under load is part of a start
_SECONDS_FOR_BACKENDS_TO_END = 10.0
_SECONDS_BETWEEN_LOOKS = 0.005
_NO_SETTINGS: Mapping[str, str] = MappingProxyType({})
# A refused statement is the caller's to report: in the log it would repeat what people wrote.
_DEFAULTS = {"max_connections": "100", "log_min_messages": "log", "cluster_name": "chatcore"}
_NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
_FIXED = {
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_directories": "../run",  # from the data directory, where the server stands
    "unix_socket_permissions": "0700",
}


class EmbeddedPostgres:
    """A PostgreSQL server that lives in a directory and as long as the process that owns it."""

    def __init__(
        self,
        data_dir: Path,
        *,
        durable: bool = True,
        settings: Mapping[str, str] = _NO_SETTINGS,
    ) -> None:
        """Describe a server; nothing is started or written yet.

        Args:
            data_dir: the server's files go to ``postgres/`` under it.
            durable: whether a commit survives the loss of power; off for tests only.
            settings: parameters of postgresql.conf that replace the defaults. Where the server
                listens cannot be changed.
        """
        self._layout = Layout(data_dir=data_dir.expanduser().absolute())
        self._durable = durable
        chosen = _DEFAULTS | ({} if durable else _NOT_DURABLE) | dict(settings) | _FIXED
        self._options = [word for setting in chosen.items() for word in ("-c", "=".join(setting))]
        self._lock = DirectoryLock(self._layout.lock)
        self._child: Popen[bytes] | None = None
        self._attached = False

    @property
    def attached(self) -> bool:
        """Whether another living process owns the server and this one only uses it."""
        return self._attached

    def start(self) -> str:
        """Start the server, or attach to the one that another process runs on the directory.

        Returns:
            The URL of the superuser ``postgres`` over the Unix socket, once connections are
            accepted. Calling it again while the server runs changes nothing.

        Raises:
            EmbeddedPostgresError: one of its kinds, whose message says what to do.
        """
        if threading.current_thread() is not threading.main_thread():
            raise WrongThread
        if not self.alive():
            self._layout.check_socket()
            account = account_for(self._layout.root)
            self._layout.create(account)
            self._attached = not self._acquire(account)
            if not self._attached:
                self._serve(account)
        return self._layout.conninfo

    def stop(self) -> None:
        """End the server within 9 s, unless it is another process's; safe to call at any time."""
        if self._child is not None:
            end(self._child)
            self._child = None
        self._lock.release()
        self._attached = False

    def alive(self) -> bool:
        """Return whether the server runs, as far as can be told without a statement."""
        if self._child is not None:
            return self._child.poll() is None
        return self._attached and listens(self._layout)

    def restart_if_dead(self) -> bool:
        """Start the server again if it died, or take it over if its owner did.

        Returns:
            Whether it had to be started. The URL stays the same.

        Raises:
            EmbeddedPostgresError: as ``start`` does.
        """
        if self.alive():
            return False
        self.start()
        return True

    def __enter__(self) -> Self:
        """Start the server."""
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop it."""
        self.stop()

    def _acquire(self, account: Account) -> bool:
        """Return whether we own the directory now; if not, its owner's server is ready."""
        deadline = time.monotonic() + _SECONDS_TO_BE_READY
        while not self._lock.acquire(account):
            if ready_pid(self._layout) is not None and listens(self._layout):
                return False
            if time.monotonic() > deadline:
                holder = self._lock.holder()
                raise HeldWithoutServer(self._layout.root, holder, _SECONDS_TO_BE_READY)
            time.sleep(_SECONDS_BETWEEN_LOOKS)
        return True

    def _serve(self, account: Account) -> None:
        try:
            installation = reachable_installation(account)
            await_orphan(self._layout)
            ensure_cluster(self._layout, installation, account, durable=self._durable)
            self._run(installation, account)
        except BaseException:  # Ctrl-C too must leave nothing behind
            self.stop()
            raise

    def _run(self, installation: Path, account: Account) -> None:
        deadline = time.monotonic() + _SECONDS_FOR_BACKENDS_TO_END
        while not self._started(installation, account, last=time.monotonic() > deadline):
            time.sleep(_SECONDS_BETWEEN_LOOKS)

    def _started(self, installation: Path, account: Account, *, last: bool) -> bool:
        """Return whether the server is ready; if not, the dead one's backends are still ending."""
        forget_dead(self._layout)
        data, since = self._layout.data, log_size(self._layout)
        command = [str(installation / "bin" / "postgres"), "-D", here(data, account)]
        self._child = spawn([*command, *self._options], data, self._layout, account)
        if self._becomes_ready(self._child):
            return True
        tail = log_tail(self._layout, since)
        if last or "shared memory block" not in tail:
            raise StartFailed("PostgreSQL did not start", self._layout.log, tail)
        return False

    def _becomes_ready(self, child: Popen[bytes]) -> bool:
        deadline = time.monotonic() + _SECONDS_TO_BE_READY
        while child.poll() is None and time.monotonic() < deadline:
            if ready_pid(self._layout) == child.pid:
                return True
            time.sleep(_SECONDS_BETWEEN_LOOKS)
        return False
