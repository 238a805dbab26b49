-- Wishes a live turn cancelled and returns it; null where this owner has none of that id.
CREATE OR REPLACE FUNCTION chatcore.cancel_turn(in_owner text, in_turn uuid) RETURNS chatcore.turn_facts
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM set_config('chatcore.owner', in_owner, true), set_config('lock_timeout', '2s', true);
    UPDATE chatcore.turn AS t
       SET cancel_wished = true
     WHERE t.owner = in_owner
       AND t.id = in_turn
       AND t.status IN ('pending', 'streaming')
       AND NOT chatcore.lease_is_dead(t.lease_until)
       AND NOT t.cancel_wished;
    RETURN chatcore.facts_of_turn(in_owner, in_turn);
END
$$;
