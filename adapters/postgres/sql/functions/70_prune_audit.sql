-- Deletes an owner's audit entries that are older than that, so many at most, and returns how many. What is being
-- erased with its owner is left to that.
CREATE OR REPLACE FUNCTION chatcore.prune_audit(in_owner text, in_age interval, in_most integer) RETURNS integer
LANGUAGE plpgsql
AS $$
DECLARE
    oldest uuid := chatcore.oldest_audit_id(in_age);
    gone integer;
BEGIN
    PERFORM set_config('chatcore.owner', in_owner, true), set_config('lock_timeout', '2s', true);
    DELETE FROM chatcore.audit_log AS a
     WHERE a.owner = in_owner
       AND a.id IN (SELECT o.id
                      FROM chatcore.audit_log AS o
                     WHERE o.owner = in_owner
                       AND o.id < oldest
                     ORDER BY o.id
                     LIMIT in_most
                       FOR UPDATE SKIP LOCKED);
    GET DIAGNOSTICS gone = ROW_COUNT;
    RETURN gone;
END
$$;
