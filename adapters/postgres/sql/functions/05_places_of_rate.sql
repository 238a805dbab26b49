-- Among how many rows a rate is shared out, so that many who ask at once need not wait for each other's COMMIT.
CREATE OR REPLACE FUNCTION chatcore.places_of_rate(in_requests integer) RETURNS integer
LANGUAGE sql IMMUTABLE
AS $$
    SELECT greatest(1, least(16, in_requests / 32))
$$;
