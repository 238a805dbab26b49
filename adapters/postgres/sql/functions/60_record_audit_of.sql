-- Keeps entries of one owner, those that are kept already left as they are. An entry that shows that its owner
-- was known makes nobody known again who was erased since.
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
        IF in_entries @> '[{"shows_known": false}]' THEN
            INSERT INTO chatcore.app_user (owner) VALUES (in_owner) ON CONFLICT (owner) DO NOTHING;
        ELSE
            RETURN;
        END IF;
    END IF;
    INSERT INTO chatcore.audit_log (
        owner, id, at, method, action, resource, status, problem, request_id, address
    )
    SELECT in_owner, e.id, e.at, e.method, e.action, e.resource, e.status, e.problem, e.request_id, e.address
      FROM jsonb_to_recordset(in_entries) AS e (
               id uuid, at timestamptz, method text, action text, resource jsonb, status integer, problem text,
               request_id text, address text, shows_known boolean
           )
     WHERE known OR NOT e.shows_known
        ON CONFLICT (owner, id) DO NOTHING;
END
$$;
