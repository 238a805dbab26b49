-- The newest exchanges of the active path before a turn, oldest first. Whoever calls it has set the identity.
CREATE OR REPLACE FUNCTION chatcore.history_before(
    in_owner text, in_conversation uuid, in_number integer, in_window integer,
    OUT questions text[], OUT answers text[]
)
LANGUAGE plpgsql
AS $$
BEGIN
    SELECT array_agg(said.question ORDER BY said.number), array_agg(said.answer ORDER BY said.number)
      INTO questions, answers
      FROM (
               SELECT t.number, question.content AS question, answer.content AS answer
                 FROM chatcore.turn AS t
                 JOIN chatcore.message AS answer
                   ON answer.owner = in_owner
                  AND answer.conversation_id = in_conversation
                  AND answer.position = 2 * t.number
                 JOIN chatcore.message AS question
                   ON question.owner = in_owner
                  AND question.conversation_id = in_conversation
                  AND question.position = 2 * t.number - 1
                WHERE t.owner = in_owner
                  AND t.conversation_id = in_conversation
                  AND t.number < in_number
                  AND t.active
                  AND t.status IN ('completed', 'cancelled')
                ORDER BY t.number DESC
                LIMIT in_window
           ) AS said;
END
$$;
