-- Records an interrupted turn, or one that failed retryably, as finally failed, and returns it; null where
-- this owner has none of that id. Any other turn stays as it is.
CREATE OR REPLACE FUNCTION chatcore.give_up_turn(
    in_owner text, in_turn uuid, in_failure_code text, in_failure_retryable boolean
) RETURNS chatcore.turn_facts
LANGUAGE plpgsql
AS $$
DECLARE
    dead chatcore.turn;
BEGIN
    PERFORM set_config('chatcore.owner', in_owner, true), set_config('lock_timeout', '2s', true);
    SELECT * INTO dead
      FROM chatcore.turn AS t
     WHERE t.owner = in_owner
       AND t.id = in_turn
       AND t.status IN ('pending', 'streaming')
       AND chatcore.lease_is_dead(t.lease_until)
       FOR NO KEY UPDATE;
    IF FOUND THEN
        PERFORM chatcore.interrupt_turn(in_owner, in_turn);
    END IF;
    UPDATE chatcore.turn AS t
       SET status = 'failed', failure_code = in_failure_code, failure_retryable = in_failure_retryable,
           lease_token = NULL
     WHERE t.owner = in_owner
       AND t.id = in_turn
       AND (t.status = 'interrupted' OR (t.status = 'failed' AND t.failure_retryable));
    IF FOUND THEN
        DELETE FROM chatcore.turn_chunk AS c WHERE c.owner = in_owner AND c.turn_id = in_turn;
    END IF;
    RETURN chatcore.facts_of_turn(in_owner, in_turn);
END
$$;
