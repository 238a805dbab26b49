"""Which user the server runs as: ourselves, or, when we are root, the owner of its files."""

import os
import pwd
from dataclasses import dataclass
from pathlib import Path

from adapters.embedded.errors import DirectoryNotOurs, UserUnavailable

_ROOT = 0
_FOR_A_NEW_DIRECTORY = "nobody"


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A user and group of the operating system.

    ``switched`` says that it is not the one this process runs as, so that the child has to become
    it and may be unable to walk the paths that we can.
    """

    uid: int
    gid: int
    switched: bool


def account_for(directory: Path) -> Account:
    """Return the account that may run PostgreSQL on ``directory``, which need not exist yet.

    Raises:
        DirectoryNotOurs: it belongs to another user and we are not root.
        UserUnavailable: the user has no entry in the password database.
    """
    ours = os.geteuid()
    owner = directory.stat().st_uid if directory.exists() else ours
    if ours != _ROOT:
        if owner != ours:
            raise DirectoryNotOurs(directory, f"it belongs to user {owner}, we are {ours}")
        return _ordinary(ours)
    return _switched(owner)


def _ordinary(uid: int) -> Account:
    # Containers are often given a bare number as their user; initdb refuses one without a name.
    try:
        pwd.getpwuid(uid)
    except KeyError:
        raise UserUnavailable(f"user {uid}", "it has no entry in /etc/passwd") from None
    return Account(uid=uid, gid=os.getegid(), switched=False)


def _switched(owner: int) -> Account:
    name = f"user {owner}" if owner != _ROOT else _FOR_A_NEW_DIRECTORY
    try:
        entry = pwd.getpwuid(owner) if owner != _ROOT else pwd.getpwnam(_FOR_A_NEW_DIRECTORY)
    except KeyError:
        raise UserUnavailable(name, "it has no entry in /etc/passwd") from None
    return Account(uid=entry.pw_uid, gid=entry.pw_gid, switched=True)


def may_search(directory: Path, account: Account) -> bool:
    """Return whether ``account`` may enter ``directory``, judged by the mode bits of the way there.

    Access control lists are not consulted: a wrong "no" costs a copy, a wrong "yes" a clear error.
    """
    return all(_may_enter(step, account) for step in (directory, *directory.parents))


def _may_enter(directory: Path, account: Account) -> bool:
    status = directory.stat()
    if status.st_uid == account.uid:
        return bool(status.st_mode & 0o100)
    if status.st_gid == account.gid:
        return bool(status.st_mode & 0o010)
    return bool(status.st_mode & 0o001)
