"""Where the files of the embedded server lie under the data directory, and who may read them."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from adapters.embedded.account import Account
from adapters.embedded.errors import DirectoryNotOurs, SocketPathUnusable

_OWNER_ONLY = 0o700
# sizeof(sockaddr_un.sun_path) without its NUL: unix(7) on Linux, smaller on the BSDs and macOS.
_LONGEST_SOCKET = 107 if sys.platform == "linux" else 103
PORT = 5432


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The paths of one embedded server."""

    data_dir: Path

    @property
    def root(self) -> Path:
        """Everything of PostgreSQL."""
        return self.data_dir / "postgres"

    @property
    def data(self) -> Path:
        """The cluster."""
        return self.root / "data"

    @property
    def run(self) -> Path:
        """The directory of the socket."""
        return self.root / "run"

    @property
    def log(self) -> Path:
        """The server's own log."""
        return self.root / "log" / "postgres.log"

    @property
    def lock(self) -> Path:
        """The file that the owner of the server keeps locked."""
        return self.root / "lock"

    @property
    def socket(self) -> Path:
        """The socket that clients connect to."""
        return self.run / f".s.PGSQL.{PORT}"

    @property
    def conninfo(self) -> str:
        """The URL of the superuser's connection to the maintenance database."""
        return f"postgresql://postgres@/postgres?host={quote(str(self.run), safe='')}&port={PORT}"

    def check_socket(self) -> None:
        """Refuse a path that libpq could not connect to.

        Raises:
            SocketPathUnusable: it is longer than a socket's address, or looks like a list of hosts.
        """
        length = len(os.fsencode(self.socket))
        if length > _LONGEST_SOCKET:
            reason = f"that is {length} bytes long and a socket's path has {_LONGEST_SOCKET} at most"
            raise SocketPathUnusable(self.socket, reason)
        if "," in str(self.run):
            raise SocketPathUnusable(self.socket, "a comma separates hosts in a connection's settings")

    def create(self, account: Account) -> None:
        """Make the directories that are missing, and all of them private to ``account``.

        Raises:
            DirectoryNotOurs: they cannot be made.
        """
        try:
            self.data_dir.mkdir(mode=_OWNER_ONLY, parents=True, exist_ok=True)
            for top in (self.root, self.data):
                if top.is_dir() and _is_for_us_to_give(top, account):
                    _hand_over_tree(top, account)
            for directory in (self.root, self.run, self.log.parent):
                directory.mkdir(mode=_OWNER_ONLY, exist_ok=True)
                make_private(directory, account)
        except OSError as error:
            raise DirectoryNotOurs(self.root, str(error.strerror)) from error


def make_private(directory: Path, account: Account) -> None:
    """Close a directory to all but ``account``.

    Opened without following a link, since what already belongs to the server may have been turned
    into one, and root must not change what it points to.
    """
    opened = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        os.fchmod(opened, _OWNER_ONLY)
        if account.switched:
            os.fchown(opened, account.uid, account.gid)
    finally:
        os.close(opened)


def _is_for_us_to_give(path: Path, account: Account) -> bool:
    return account.switched and path.lstat().st_uid == os.geteuid()


def _hand_over_tree(top: Path, account: Account) -> None:
    # What root put here, out of a backup for instance.
    for _, folders, files, opened in os.fwalk(top, follow_symlinks=False):
        os.fchown(opened, account.uid, account.gid)
        for name in (*folders, *files):
            os.chown(name, account.uid, account.gid, dir_fd=opened, follow_symlinks=False)
