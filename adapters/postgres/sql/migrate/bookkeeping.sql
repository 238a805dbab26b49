CREATE SCHEMA IF NOT EXISTS chatcore_migration;

-- What each migration's file said when it was applied.
CREATE TABLE IF NOT EXISTS chatcore_migration.file (
    id TEXT PRIMARY KEY,
    sha256 TEXT NOT NULL
);

-- Every set of functions that was ever installed; a server whose set is here finds its functions in place,
-- also when a newer version has replaced them since.
CREATE TABLE IF NOT EXISTS chatcore_migration.functions (
    sha256 TEXT PRIMARY KEY,
    signatures TEXT[] NOT NULL,
    installed_at TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp()
);
