"""The files that make the schema: migrations, and the functions that are installed after them."""

import hashlib
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import migrations


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaSource:
    """Two folders of SQL files."""

    migrations: Path
    functions: Path

    def migration_ids(self) -> list[str]:
        """Return the migrations' ids, their file names without `.sql`, in the order in which they apply."""
        return sorted(p.stem for p in self.migrations.glob("*.sql") if not p.name.endswith(".rollback.sql"))

    def migration_file(self, migration_id: str) -> Path:
        """Return where a migration is written down."""
        return self.migrations / f"{migration_id}.sql"

    def migration_sha256(self, migration_id: str) -> str:
        """Return the digest of a migration's file, the same whatever ends its lines."""
        return _sha256([self.migration_file(migration_id)])

    def function_files(self) -> list[Path]:
        """Return the files that define functions, in the order in which they are run."""
        return sorted(self.functions.glob("*.sql"))

    def functions_sha256(self) -> str:
        """Return the digest of all functions together."""
        return _sha256(self.function_files())


def shipped() -> SchemaSource:
    """Return the schema that belongs to this version of the program."""
    return SchemaSource(
        migrations=Path(migrations.__file__).parent,
        functions=Path(str(files("adapters.postgres"))) / "sql" / "functions",
    )


def statement(name: str) -> bytes:
    """Return the SQL of a file under `sql`, named as `migrate/recorded`."""
    return (files("adapters.postgres") / "sql" / f"{name}.sql").read_bytes()


def _sha256(paths: list[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        text = path.read_bytes().replace(b"\r\n", b"\n")
        digest.update(f"{path.name} {len(text)}\n".encode() + text)
    return digest.hexdigest()
