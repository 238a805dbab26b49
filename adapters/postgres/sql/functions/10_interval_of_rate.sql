-- How long one request takes to be forgotten at a place. The places' shares add up to the whole rate; a time
-- is rounded down, so that a whole burst fits its period.
CREATE OR REPLACE FUNCTION chatcore.interval_of_rate(in_requests integer, in_seconds integer, in_slot integer)
RETURNS interval
LANGUAGE sql IMMUTABLE
AS $$
    SELECT (in_seconds * 1000000::bigint
            / ((in_requests + in_slot) / chatcore.places_of_rate(in_requests))) * interval '1 us'
$$;
