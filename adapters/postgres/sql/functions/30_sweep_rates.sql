-- Deletes the rows of all allowances that have been whole again for a while, in the name of nobody, to whom the
-- policy shows no others. Whoever is asked about just now is left alone.
CREATE OR REPLACE FUNCTION chatcore.sweep_rates() RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM set_config('chatcore.owner', '@', true), set_config('lock_timeout', '50ms', true);
    DELETE FROM chatcore.rate_bucket AS b WHERE b.whole_at < clock_timestamp() - interval '1 minute';
END
$$;
