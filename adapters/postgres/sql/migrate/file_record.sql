INSERT INTO chatcore_migration.file (id, sha256)
VALUES (%(id)s, %(sha256)s)
    ON CONFLICT (id) DO UPDATE
   SET sha256 = excluded.sha256
