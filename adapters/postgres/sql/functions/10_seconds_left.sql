-- For how many seconds a day, which is one of UTC, still lasts.
CREATE OR REPLACE FUNCTION chatcore.seconds_left(in_day date) RETURNS double precision
LANGUAGE sql VOLATILE
AS $$
    SELECT extract(epoch FROM (in_day + 1)::timestamp AT TIME ZONE 'UTC' - clock_timestamp())
$$;
