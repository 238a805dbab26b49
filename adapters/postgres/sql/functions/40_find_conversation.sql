-- Returns one conversation, or no row.
CREATE OR REPLACE FUNCTION chatcore.find_conversation(in_owner text, in_conversation uuid)
RETURNS TABLE (id uuid, title text, created_at timestamptz, updated_at timestamptz)
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM set_config('chatcore.owner', in_owner, true);
    RETURN QUERY
    SELECT c.id, c.title, c.created_at, c.updated_at
      FROM chatcore.conversation AS c
     WHERE c.owner = in_owner
       AND c.id = in_conversation;
END
$$;
