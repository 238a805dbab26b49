-- What whoever is to answer a recorded turn needs to know. Whoever calls it has set the identity.
CREATE OR REPLACE FUNCTION chatcore.opening_of_turn(
    in_owner text, in_turn chatcore.turn, in_window integer,
    OUT question text, OUT questions text[], OUT answers text[]
)
LANGUAGE plpgsql
AS $$
BEGIN
    SELECT m.content INTO question
      FROM chatcore.message AS m
     WHERE m.owner = in_owner
       AND m.conversation_id = in_turn.conversation_id
       AND m.position = 2 * in_turn.number - 1;
    SELECT h.questions, h.answers INTO questions, answers
      FROM chatcore.history_before(in_owner, in_turn.conversation_id, in_turn.number, in_window) AS h;
END
$$;
