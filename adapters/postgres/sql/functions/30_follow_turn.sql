-- Returns a turn and what its current attempt has said beyond an offset of that attempt, or all of it where
-- the offset is of another one. The turn is read first: were it ended in between, its pieces would be gone
-- and the listener told only a little later.
CREATE OR REPLACE FUNCTION chatcore.follow_turn(
    in_owner text, in_turn uuid, in_attempt integer, in_offset bigint,
    OUT said text, OUT turn chatcore.turn_facts
)
LANGUAGE plpgsql
AS $$
DECLARE
    beyond bigint;
BEGIN
    PERFORM set_config('chatcore.owner', in_owner, true);
    turn := chatcore.facts_of_turn(in_owner, in_turn);
    said := '';
    IF turn.status IN ('pending', 'streaming') THEN
        beyond := CASE turn.attempt WHEN in_attempt THEN in_offset ELSE 0 END;
        SELECT coalesce(
                   string_agg(right(c.content, least(c.ends_at - beyond, length(c.content))::integer), ''
                              ORDER BY c.ends_at),
                   '')
          INTO said
          FROM chatcore.turn_chunk AS c
         WHERE c.owner = in_owner
           AND c.turn_id = in_turn
           AND c.attempt = turn.attempt
           AND c.ends_at > beyond;
    END IF;
END
$$;
