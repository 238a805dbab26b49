-- Whether a live turn's lease ran out. Nobody can renew one while this server is away, so those that ran out
-- meanwhile are given five seconds after its start.
CREATE OR REPLACE FUNCTION chatcore.lease_is_dead(in_until timestamptz) RETURNS boolean
LANGUAGE sql VOLATILE
AS $$
    SELECT in_until < clock_timestamp()
       AND pg_postmaster_start_time() < clock_timestamp() - interval '5 s'
$$;
