"""Backs up and restores a whole database of chatcore, with PostgreSQL's own programs.

A backup is an ordinary tar archive of `database.dump`, in pg_dump's custom format, and `manifest.json`, which
seals it: its digest, and how many rows each table had in the very snapshot that was dumped. Without this
program it is restored by `tar xf` and `pg_restore`.

A restore is one transaction. The archive is verified before the database is touched, the rows are counted
before the commit, and a process that dies on the way leaves nothing behind. Roles differ from server to
server, so owners and rights are not restored: everything belongs to whoever restores, and a migration, which
a backup of an older version needs anyway, grants the rights afresh.
"""

from adapters.backup.archive import DamagedBackup, Manifest, verify
from adapters.backup.dump import backup
from adapters.backup.load import NotEmpty, restore
from adapters.backup.programs import BackupFailed

__all__ = ["BackupFailed", "DamagedBackup", "Manifest", "NotEmpty", "backup", "restore", "verify"]
