-- Drops what earlier sets of functions left behind: recorded once, and not touched by this transaction.
DO $$
DECLARE
    stale REGPROCEDURE;
BEGIN
    FOR stale IN
        SELECT p.oid
          FROM pg_proc AS p
         WHERE p.oid IN (
                SELECT to_regprocedure(signature)
                  FROM chatcore_migration.functions, unnest(signatures) AS signature)
           AND p.xmin <> pg_current_xact_id()::xid
         ORDER BY p.oid
    LOOP
        EXECUTE format('DROP ROUTINE %s', stale);
    END LOOP;
END
$$
