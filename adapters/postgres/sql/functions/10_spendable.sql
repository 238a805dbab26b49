-- Whether a question that is estimated to cost so many tokens may be asked on a day of which so many are spent
-- and reserved. Whoever has anything left, and no turn running, may ask one question whatever its estimate.
CREATE OR REPLACE FUNCTION chatcore.spendable(
    in_estimate bigint, in_daily bigint, in_spent bigint, in_reserved bigint
) RETURNS boolean
LANGUAGE sql IMMUTABLE
AS $$
    SELECT in_spent + in_reserved + in_estimate <= in_daily OR (in_reserved = 0 AND in_spent < in_daily)
$$;
