SELECT sha256
  FROM chatcore_migration.functions
 ORDER BY installed_at DESC
 LIMIT 1
