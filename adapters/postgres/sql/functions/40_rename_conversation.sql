-- Gives a conversation another title and returns it, or no row.
CREATE OR REPLACE FUNCTION chatcore.rename_conversation(in_owner text, in_conversation uuid, in_title text)
RETURNS TABLE (id uuid, title text, created_at timestamptz, updated_at timestamptz)
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM set_config('chatcore.owner', in_owner, true), set_config('lock_timeout', '2s', true);
    RETURN QUERY
    UPDATE chatcore.conversation AS c
       SET title = in_title, updated_at = clock_timestamp()
     WHERE c.owner = in_owner
       AND c.id = in_conversation
    RETURNING c.id, c.title, c.created_at, c.updated_at;
END
$$;
