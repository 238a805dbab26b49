-- Writes down of an owner's live turns whose lease ran out what every reader says already, wherever they are, as
-- many as one statement should, the oldest first, and returns how many there were: what they have reserved is free
-- again then. There may be more until it returns none. One that somebody has locked is left to them, so that no
-- lock is waited for that is taken before others elsewhere.
CREATE OR REPLACE FUNCTION chatcore.interrupt_dead_turns(in_owner text) RETURNS integer
LANGUAGE plpgsql
AS $$
DECLARE
    dead uuid;
    times integer := 0;
BEGIN
    PERFORM set_config('chatcore.owner', in_owner, true), set_config('lock_timeout', '2s', true);
    FOR dead IN
        SELECT t.id
          FROM chatcore.turn AS t
         WHERE t.owner = in_owner
           AND t.ended_at IS NULL
           AND chatcore.lease_is_dead(t.lease_until)
         ORDER BY t.id
         LIMIT 100
           FOR NO KEY UPDATE SKIP LOCKED
    LOOP
        PERFORM chatcore.interrupt_turn(in_owner, dead);
        times := times + 1;
    END LOOP;
    RETURN times;
END
$$;
