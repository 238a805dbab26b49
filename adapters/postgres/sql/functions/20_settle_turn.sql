-- Puts what a turn has spent in the place of what it had reserved. Whoever calls it has ended the turn in this
-- transaction, and set the identity.
CREATE OR REPLACE FUNCTION chatcore.settle_turn(in_owner text, in_turn chatcore.turn, in_tokens bigint)
RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    UPDATE chatcore.token_day AS d
       SET reserved = greatest(d.reserved - in_turn.reserved, 0), spent = d.spent + in_tokens
     WHERE d.owner = in_owner
       AND d.day = in_turn.budget_day;
END
$$;
