-- Returns a turn; null where this owner has none of that id.
CREATE OR REPLACE FUNCTION chatcore.look_at_turn(in_owner text, in_turn uuid) RETURNS chatcore.turn_facts
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM set_config('chatcore.owner', in_owner, true);
    RETURN chatcore.facts_of_turn(in_owner, in_turn);
END
$$;
