-- Returns an owner's conversations, newest first: their ids are made in order of time.
CREATE OR REPLACE FUNCTION chatcore.list_conversations(in_owner text, in_before uuid, in_limit integer)
RETURNS TABLE (id uuid, title text, created_at timestamptz, updated_at timestamptz)
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM set_config('chatcore.owner', in_owner, true);
    -- Apart from the statement, because row-level security keeps what it does not know out of the index.
    in_before := coalesce(in_before, 'ffffffff-ffff-ffff-ffff-ffffffffffff');
    RETURN QUERY
    SELECT c.id, c.title, c.created_at, c.updated_at
      FROM chatcore.conversation AS c
     WHERE c.owner = in_owner
       AND c.id < in_before
     ORDER BY c.id DESC
     LIMIT in_limit;
END
$$;
