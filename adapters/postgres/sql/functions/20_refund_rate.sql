-- Takes back what charge_rate counted in this very transaction. Leaves the identity behind.
CREATE OR REPLACE FUNCTION chatcore.refund_rate(
    in_owner text, in_requests integer, in_seconds integer, in_place integer
) RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM set_config('chatcore.owner', in_owner, true);
    UPDATE chatcore.rate_bucket AS b
       SET whole_at = b.whole_at - chatcore.interval_of_rate(in_requests, in_seconds, b.slot)
     WHERE b.owner = in_owner
       AND b.slot = in_place;
END
$$;
