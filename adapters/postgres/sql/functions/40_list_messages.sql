-- Returns the newest messages below a position, newest first, or null where there is no such conversation.
-- Each message's turn is looked up by itself: joined, the planner would read all turns of the conversation.
CREATE OR REPLACE FUNCTION chatcore.list_messages(
    in_owner text, in_conversation uuid, in_before integer, in_limit integer, in_replaced boolean
)
RETURNS TABLE (place integer, id uuid, turn_id uuid, role text, content text, created_at timestamptz)
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM set_config('chatcore.owner', in_owner, true);
    RETURN QUERY
    SELECT m.position, m.id, t.id, m.role, m.content, m.created_at
      FROM chatcore.message AS m
     CROSS JOIN LATERAL (
               SELECT turn.id, turn.active
                 FROM chatcore.turn
                WHERE turn.owner = in_owner
                  AND turn.conversation_id = in_conversation
                  AND turn.number = (m.position + 1) / 2
               OFFSET 0
           ) AS t
     WHERE m.owner = in_owner
       AND m.conversation_id = in_conversation
       AND m.position < in_before
       AND (t.active OR in_replaced)
     ORDER BY m.position DESC
     LIMIT in_limit;
    IF NOT FOUND THEN
        -- An empty page is one thing, a conversation that does not exist another.
        PERFORM
           FROM chatcore.conversation AS c
          WHERE c.owner = in_owner
            AND c.id = in_conversation;
        IF NOT FOUND THEN
            RETURN QUERY SELECT NULL::integer, NULL::uuid, NULL::uuid, NULL::text, NULL::text, NULL::timestamptz;
        END IF;
    END IF;
END
$$;
