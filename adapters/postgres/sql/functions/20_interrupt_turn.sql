-- Writes down what every reader says already of a live turn whose lease ran out. Its token opens nothing any
-- more; what it has said stays. Whoever calls it holds the lock and has set the identity.
CREATE OR REPLACE FUNCTION chatcore.interrupt_turn(in_owner text, in_turn uuid) RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    UPDATE chatcore.turn AS t
       SET status = 'interrupted', lease_token = NULL, ended_at = clock_timestamp()
     WHERE t.owner = in_owner
       AND t.id = in_turn
       AND t.status IN ('pending', 'streaming');
END
$$;
