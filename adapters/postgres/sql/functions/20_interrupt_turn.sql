-- Writes down what every reader says already of a live turn whose lease ran out. Its token opens nothing any
-- more; what it has said stays. Whoever calls it holds the lock and has set the identity.
CREATE OR REPLACE FUNCTION chatcore.interrupt_turn(in_owner text, in_turn uuid) RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
    dead chatcore.turn;
BEGIN
    UPDATE chatcore.turn AS t
       SET status = 'interrupted', lease_token = NULL, ended_at = clock_timestamp()
     WHERE t.owner = in_owner
       AND t.id = in_turn
       AND t.status IN ('pending', 'streaming')
    RETURNING * INTO dead;
    IF FOUND THEN
        PERFORM chatcore.write_off_attempt(in_owner, dead);
    END IF;
END
$$;
