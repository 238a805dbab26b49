-- Deletes a conversation with everything in it, and returns whether there was one.
CREATE OR REPLACE FUNCTION chatcore.delete_conversation(in_owner text, in_conversation uuid) RETURNS boolean
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM set_config('chatcore.owner', in_owner, true), set_config('lock_timeout', '2s', true);
    DELETE FROM chatcore.conversation AS c
     WHERE c.owner = in_owner
       AND c.id = in_conversation;
    RETURN FOUND;
END
$$;
