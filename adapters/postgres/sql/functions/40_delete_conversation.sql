-- Deletes a conversation with everything in it, and returns whether there was one. What a turn that runs in it
-- has reserved is free again; what it has cost is written into the ledger by whoever runs it, or here where
-- nobody does any more.
CREATE OR REPLACE FUNCTION chatcore.delete_conversation(in_owner text, in_conversation uuid) RETURNS boolean
LANGUAGE plpgsql
AS $$
DECLARE
    live chatcore.turn;
BEGIN
    PERFORM set_config('chatcore.owner', in_owner, true), set_config('lock_timeout', '2s', true);
    PERFORM
       FROM chatcore.conversation AS c
      WHERE c.owner = in_owner
        AND c.id = in_conversation
        FOR UPDATE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    SELECT * INTO live
      FROM chatcore.turn AS t
     WHERE t.owner = in_owner
       AND t.conversation_id = in_conversation
       AND t.ended_at IS NULL
       FOR NO KEY UPDATE;
    IF FOUND THEN
        IF chatcore.lease_is_dead(live.lease_until) THEN
            PERFORM chatcore.write_off_attempt(in_owner, live);
        ELSE
            PERFORM chatcore.settle_turn(in_owner, live, 0);
        END IF;
    END IF;
    DELETE FROM chatcore.conversation AS c
     WHERE c.owner = in_owner
       AND c.id = in_conversation;
    RETURN true;
END
$$;
