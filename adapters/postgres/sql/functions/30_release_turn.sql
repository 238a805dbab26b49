-- Gives a live turn back as interrupted, and returns whether it was ours. It keeps its token, which opens
-- nothing any more, so that a repetition is recognised.
CREATE OR REPLACE FUNCTION chatcore.release_turn(
    in_owner text, in_turn uuid, in_token uuid, in_calls jsonb DEFAULT '[]'
) RETURNS boolean
LANGUAGE plpgsql
AS $$
DECLARE
    done chatcore.turn;
BEGIN
    PERFORM set_config('chatcore.owner', in_owner, true), set_config('lock_timeout', '2s', true);
    UPDATE chatcore.turn AS t
       SET status = 'interrupted', ended_at = clock_timestamp()
     WHERE t.owner = in_owner
       AND t.id = in_turn
       AND t.lease_token = in_token
       AND t.status IN ('pending', 'streaming')
       AND NOT chatcore.lease_is_dead(t.lease_until)
    RETURNING * INTO done;
    IF FOUND THEN
        PERFORM chatcore.settle_turn(
            in_owner, done, chatcore.record_calls(in_owner, in_turn, done.attempt, in_calls));
        RETURN true;
    END IF;
    PERFORM
       FROM chatcore.turn AS t
      WHERE t.owner = in_owner
        AND t.id = in_turn
        AND t.lease_token = in_token
        AND t.status = 'interrupted';
    RETURN FOUND;
END
$$;
