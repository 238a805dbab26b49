-- Keeps entries of one owner, each an array (id, at, owner, method, action, status, request id, resource, problem,
-- address, whether it shows that the owner was known). Those that are kept already are left as they are. An entry
-- that shows that its owner was known makes nobody known again who was erased since.
CREATE OR REPLACE FUNCTION chatcore.record_audit_of(in_owner text, in_entries jsonb) RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
    known boolean;
BEGIN
    PERFORM set_config('chatcore.owner', in_owner, true);
    PERFORM FROM chatcore.app_user AS u WHERE u.owner = in_owner;
    known := FOUND;
    IF NOT known THEN
        PERFORM FROM jsonb_array_elements(in_entries) AS e (entry) WHERE NOT (e.entry -> 10)::boolean;
        IF NOT FOUND THEN
            RETURN;
        END IF;
        INSERT INTO chatcore.app_user (owner) VALUES (in_owner) ON CONFLICT (owner) DO NOTHING;
    END IF;
    INSERT INTO chatcore.audit_log (
        owner, id, at, method, action, status, request_id, resource, problem, address
    )
    SELECT in_owner, (e.entry ->> 0)::uuid, (e.entry ->> 1)::timestamptz, e.entry ->> 3, e.entry ->> 4,
           (e.entry -> 5)::integer, e.entry ->> 6, e.entry -> 7, e.entry ->> 8, e.entry ->> 9
      FROM jsonb_array_elements(in_entries) AS e (entry)
     WHERE known OR NOT (e.entry -> 10)::boolean
        ON CONFLICT (owner, id) DO NOTHING;
END
$$;
