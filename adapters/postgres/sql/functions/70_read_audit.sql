-- Returns what an owner did, newest first: ids are made in order of time.
CREATE OR REPLACE FUNCTION chatcore.read_audit(in_owner text, in_before uuid, in_limit integer)
RETURNS TABLE (
    id uuid, at timestamptz, method text, action text, resource jsonb, status integer, problem text,
    request_id text, address text
)
LANGUAGE plpgsql
AS $$
BEGIN
    -- The planner takes who passes two policies for few, and would fetch and sort all that they ever did.
    PERFORM set_config('chatcore.owner', in_owner, true), set_config('enable_bitmapscan', 'off', true);
    -- Apart from the statement, because row-level security keeps what it does not know out of the index.
    in_before := coalesce(in_before, 'ffffffff-ffff-ffff-ffff-ffffffffffff');
    RETURN QUERY
    SELECT a.id, a.at, a.method, a.action, a.resource, a.status, a.problem, a.request_id, a.address
      FROM chatcore.audit_log AS a
     WHERE a.owner = in_owner
       AND a.id < in_before
     ORDER BY a.id DESC
     LIMIT in_limit;
END
$$;
