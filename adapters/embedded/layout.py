"""Where the files of the embedded server lie under the data directory, and who may read them."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from adapters.embedded.account import Account
from adapters.embedded.errors import DirectoryNotOursError, SocketPathError

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
            SocketPathError: it is longer than a socket's address, or looks like a list of hosts.
        """
        length = len(os.fsencode(self.socket))
        if length > _LONGEST_SOCKET:
            reason = f"that is {length} bytes long and a socket's path has {_LONGEST_SOCKET} at most"
            raise SocketPathError(self.socket, reason)
        if "," in str(self.run):
            raise SocketPathError(self.socket, "a comma separates hosts in a connection's settings")

    def create(self, account: Account) -> None:
        """Make the directories that are missing, private to ``account``.

        Raises:
            DirectoryNotOursError: they cannot be made.
        """
        try:
            self.data_dir.mkdir(mode=_OWNER_ONLY, parents=True, exist_ok=True)
            for directory in (self.root, self.run, self.log.parent):
                directory.mkdir(mode=_OWNER_ONLY, exist_ok=True)
                directory.chmod(_OWNER_ONLY)
                hand_over(directory, account)
        except OSError as error:
            raise DirectoryNotOursError(self.root, str(error.strerror)) from error


def hand_over(path: Path, account: Account) -> None:
    """Give a file of root's to the account that the server runs as.

    Only what root owns is given away: whatever already belongs to the server may have been turned
    into a link by it, and root must not follow.
    """
    if account.switched and path.lstat().st_uid == os.geteuid():
        os.chown(path, account.uid, account.gid, follow_symlinks=False)
