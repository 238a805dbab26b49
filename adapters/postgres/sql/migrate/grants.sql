REVOKE ALL ON SCHEMA chatcore FROM {role};
REVOKE ALL ON ALL TABLES IN SCHEMA chatcore FROM {role};
REVOKE ALL ON ALL ROUTINES IN SCHEMA chatcore FROM {role};

GRANT USAGE ON SCHEMA chatcore TO {role};
GRANT EXECUTE ON ALL ROUTINES IN SCHEMA chatcore TO {role};
GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA chatcore TO {role};

-- So that the server can say whether the schema is the one it needs.
GRANT USAGE ON SCHEMA chatcore_migration TO {role};
GRANT SELECT ON chatcore_migration._yoyo_migration, chatcore_migration.file, chatcore_migration.functions TO {role};
