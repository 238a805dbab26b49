SELECT 'migration' AS kind, m.migration_id AS id, f.sha256
  FROM chatcore_migration._yoyo_migration AS m
  LEFT JOIN chatcore_migration.file AS f ON f.id = m.migration_id
UNION ALL
SELECT 'functions', NULL, sha256
  FROM chatcore_migration.functions
 ORDER BY 1, 2
