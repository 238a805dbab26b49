INSERT INTO chatcore_migration.functions (sha256, signatures)
SELECT %(sha256)s, coalesce(array_agg(p.oid::regprocedure::text ORDER BY p.oid), '{}')
  FROM pg_proc AS p
 WHERE p.pronamespace = to_regnamespace('chatcore')
   AND p.xmin = pg_current_xact_id()::xid
    ON CONFLICT (sha256) DO UPDATE
   SET signatures = excluded.signatures,
       installed_at = excluded.installed_at
