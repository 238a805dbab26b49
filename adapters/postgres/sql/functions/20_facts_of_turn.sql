-- A turn as it stands now, in one snapshot; null where this owner has none of that id. Whoever calls it has
-- set the identity. The reply is looked up by itself: joined, its place would not be searched for in the index,
-- because row-level security lets nothing that computes with columns go before it.
CREATE OR REPLACE FUNCTION chatcore.facts_of_turn(in_owner text, in_turn uuid) RETURNS chatcore.turn_facts
LANGUAGE plpgsql
AS $$
DECLARE
    facts chatcore.turn_facts;
BEGIN
    SELECT t.id, t.conversation_id, t.number, s.status, t.attempt, t.fingerprint, t.created_at, t.replaces,
           t.active, t.reply_id,
           CASE s.status
               WHEN 'interrupted' THEN (
                   SELECT nullif(string_agg(c.content, '' ORDER BY c.ends_at), '')
                     FROM chatcore.turn_chunk AS c
                    WHERE c.owner = in_owner
                      AND c.turn_id = t.id
                      AND c.attempt = t.attempt)
               ELSE m.content
           END,
           coalesce(m.created_at, t.created_at),
           t.input_tokens, t.output_tokens, t.estimated, t.failure_code, t.failure_retryable
      INTO facts
      FROM chatcore.turn AS t
     CROSS JOIN LATERAL (
               SELECT CASE WHEN t.ended_at IS NULL AND chatcore.lease_is_dead(t.lease_until)
                           THEN 'interrupted'
                           ELSE t.status
                      END AS status
               OFFSET 0
           ) AS s
      LEFT JOIN LATERAL (
               SELECT message.content, message.created_at
                 FROM chatcore.message
                WHERE message.owner = in_owner
                  AND message.conversation_id = t.conversation_id
                  AND message.position = 2 * t.number
               OFFSET 0
           ) AS m ON true
     WHERE t.owner = in_owner
       AND t.id = in_turn;
    RETURN facts;
END
$$;
