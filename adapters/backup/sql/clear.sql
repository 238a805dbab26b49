-- Makes room for what is restored, where nothing was ever written. Row-level security may hide rows from a
-- count, but never from a table's size.
DO $$
DECLARE
    taken REGCLASS;
BEGIN
    FOR taken IN
        SELECT oid FROM pg_class WHERE relnamespace = to_regnamespace('chatcore') AND relkind = 'r' ORDER BY relname
    LOOP
        EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', taken);
        IF pg_relation_size(taken) > 0 THEN
            RAISE EXCEPTION USING ERRCODE = 'KB001', MESSAGE = format('%s holds rows already', taken);
        END IF;
    END LOOP;
END
$$;
DROP SCHEMA IF EXISTS chatcore CASCADE;
DROP SCHEMA IF EXISTS chatcore_migration CASCADE;
