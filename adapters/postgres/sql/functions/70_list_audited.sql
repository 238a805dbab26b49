-- Returns whose audit entries are older than that, to the table's owner alone. Reads the whole table, once.
CREATE OR REPLACE FUNCTION chatcore.list_audited(in_age interval) RETURNS SETOF text
LANGUAGE plpgsql
AS $$
DECLARE
    oldest uuid := chatcore.oldest_audit_id(in_age);
BEGIN
    PERFORM set_config('chatcore.owner', '@', true);
    RETURN QUERY
    SELECT DISTINCT a.owner FROM chatcore.audit_log AS a WHERE a.id < oldest;
END
$$;
