-- Keeps the next piece of a reply and renews the lease; null where the turn is not ours any more.
CREATE OR REPLACE FUNCTION chatcore.checkpoint_turn(
    in_owner text, in_turn uuid, in_token uuid, in_seconds double precision, in_text text, in_ends_at integer
) RETURNS boolean
LANGUAGE plpgsql
AS $$
DECLARE
    the_attempt integer;
    wished boolean;
BEGIN
    PERFORM set_config('chatcore.owner', in_owner, true), set_config('lock_timeout', '2s', true);
    UPDATE chatcore.turn AS t
       SET lease_until = clock_timestamp() + in_seconds * interval '1 s',
           status = CASE in_text WHEN '' THEN t.status ELSE 'streaming' END
     WHERE t.owner = in_owner
       AND t.id = in_turn
       AND t.lease_token = in_token
       AND t.status IN ('pending', 'streaming')
       AND NOT chatcore.lease_is_dead(t.lease_until)
    RETURNING t.attempt, t.cancel_wished INTO the_attempt, wished;
    IF FOUND AND in_text <> '' THEN
        INSERT INTO chatcore.turn_chunk (owner, turn_id, attempt, ends_at, content)
        VALUES (in_owner, in_turn, the_attempt, in_ends_at, in_text)
            ON CONFLICT DO NOTHING;
    END IF;
    RETURN wished;
END
$$;
