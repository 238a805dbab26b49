DELETE FROM chatcore_migration.file
 WHERE id = %(id)s
