-- Keeps entries of many owners, arrays as in record_audit_of, each in the name of its own. Owners come in order, so
-- that two batches which make the same users known do not wait for each other in a ring.
CREATE OR REPLACE FUNCTION chatcore.record_audit(in_entries jsonb) RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
    of_owner record;
BEGIN
    PERFORM set_config('lock_timeout', '2s', true);
    FOR of_owner IN
        SELECT e.entry ->> 2 AS name, jsonb_agg(e.entry) AS entries
          FROM jsonb_array_elements(in_entries) AS e (entry)
         GROUP BY 1
         ORDER BY 1
    LOOP
        PERFORM chatcore.record_audit_of(of_owner.name, of_owner.entries);
    END LOOP;
EXCEPTION
    WHEN foreign_key_violation THEN
        RAISE 'a user was erased just now' USING ERRCODE = 'serialization_failure';
END
$$;
