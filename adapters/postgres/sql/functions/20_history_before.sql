-- The newest exchanges of the active path before a turn, oldest first. Whoever calls it has set the identity.
-- First the turns, then what was said in each: joined, the planner takes a long conversation for a reason to
-- read all of it.
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
               SELECT t.number,
                      (SELECT m.content
                         FROM chatcore.message AS m
                        WHERE m.owner = in_owner
                          AND m.conversation_id = in_conversation
                          AND m.position = 2 * t.number - 1) AS question,
                      (SELECT m.content
                         FROM chatcore.message AS m
                        WHERE m.owner = in_owner
                          AND m.conversation_id = in_conversation
                          AND m.position = 2 * t.number) AS answer
                 FROM chatcore.turn AS t
                WHERE t.owner = in_owner
                  AND t.conversation_id = in_conversation
                  AND t.number < in_number
                  AND t.active
                  AND t.answered
                ORDER BY t.number DESC
                LIMIT in_window
           ) AS said;
END
$$;
