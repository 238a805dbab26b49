-- Reserves tokens of a day, and returns whether there were enough left. The day's first question clears away
-- days that nobody asks about any more. Whoever calls it has set the identity.
CREATE OR REPLACE FUNCTION chatcore.reserve_tokens(
    in_owner text, in_day date, in_tokens bigint, in_daily bigint
) RETURNS boolean
LANGUAGE plpgsql
AS $$
BEGIN
    UPDATE chatcore.token_day AS d
       SET reserved = d.reserved + in_tokens
     WHERE d.owner = in_owner
       AND d.day = in_day
       AND chatcore.spendable(in_tokens, in_daily, d.spent, d.reserved);
    IF FOUND THEN
        RETURN true;
    END IF;
    DELETE FROM chatcore.token_day AS d WHERE d.owner = in_owner AND d.day < in_day - 60;
    INSERT INTO chatcore.token_day AS d (owner, day, reserved)
    VALUES (in_owner, in_day, in_tokens)
        ON CONFLICT (owner, day) DO UPDATE
       SET reserved = d.reserved + excluded.reserved
     WHERE chatcore.spendable(excluded.reserved, in_daily, d.spent, d.reserved);
    RETURN FOUND;
END
$$;
