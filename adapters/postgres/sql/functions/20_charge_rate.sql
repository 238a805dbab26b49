-- Counts one request of an owner or an address (GCRA): returns the place where it was counted, how many more
-- there may be and when they will all be back, in seconds. Where there may be none it returns nothing but the
-- seconds until there may. A place that another transaction holds is left to it: whoever waited for it would
-- wait for its COMMIT. What is counted at other places than the first is told only once the first is full.
-- Leaves the identity behind.
CREATE OR REPLACE FUNCTION chatcore.charge_rate(
    in_owner text, in_requests integer, in_seconds integer,
    OUT place integer, OUT remaining integer, OUT reset double precision, OUT wait double precision
)
LANGUAGE plpgsql
AS $$
DECLARE
    places integer := chatcore.places_of_rate(in_requests);
    period interval := in_seconds * interval '1 s';
    moment timestamptz;
    share interval := chatcore.interval_of_rate(in_requests, in_seconds, 0);
    present integer;
    late interval;
BEGIN
    PERFORM set_config('chatcore.owner', in_owner, true);
    LOOP
        moment := clock_timestamp();
        -- Most of the time nobody else is at the first place, which costs half of a search. Locks of two numbers
        -- are other ones than those of one, such as the migrations'.
        IF pg_try_advisory_xact_lock(hashtext('chatcore.rate'), hashtext(in_owner)) THEN
            UPDATE chatcore.rate_bucket AS b
               SET whole_at = greatest(b.whole_at, moment) + share
             WHERE b.owner = in_owner
               AND b.slot = 0
               AND b.whole_at <= moment + period - share
            RETURNING b.slot, extract(epoch FROM b.whole_at - moment) INTO place, reset;
            IF FOUND THEN
                remaining := in_requests - ceil(reset / extract(epoch FROM share)::float8 - 0.001);
                RETURN;
            END IF;
        END IF;
        UPDATE chatcore.rate_bucket AS b
           SET whole_at = greatest(b.whole_at, moment)
                        + chatcore.interval_of_rate(in_requests, in_seconds, b.slot)
         WHERE b.owner = in_owner
           AND b.slot = (SELECT f.slot
                           FROM chatcore.rate_bucket AS f
                          WHERE f.owner = in_owner
                            AND f.slot < places
                            AND f.whole_at + chatcore.interval_of_rate(in_requests, in_seconds, f.slot)
                                <= moment + period
                          LIMIT 1
                            FOR NO KEY UPDATE SKIP LOCKED)
        RETURNING b.slot INTO place;
        EXIT WHEN FOUND;

        SELECT count(*),
               min(b.whole_at + chatcore.interval_of_rate(in_requests, in_seconds, b.slot) - moment - period)
          INTO present, late
          FROM chatcore.rate_bucket AS b
         WHERE b.owner = in_owner
           AND b.slot < places;
        IF present < places THEN
            INSERT INTO chatcore.rate_bucket (owner, slot, whole_at)
            SELECT in_owner, s.slot, moment + chatcore.interval_of_rate(in_requests, in_seconds, s.slot)
              FROM generate_series(0, places - 1) AS s (slot)
             WHERE NOT EXISTS (SELECT
                                 FROM chatcore.rate_bucket AS b
                                WHERE b.owner = in_owner
                                  AND b.slot = s.slot)
             ORDER BY s.slot > 0, random()
             LIMIT 1
                ON CONFLICT DO NOTHING
            RETURNING slot INTO place;
            EXIT WHEN FOUND;
        ELSIF late > interval '0' THEN
            wait := extract(epoch FROM late);
            RETURN;
        ELSE
            -- Every place that has something left is held by somebody: wait for one.
            PERFORM
               FROM chatcore.rate_bucket AS b
              WHERE b.owner = in_owner
                AND b.slot = (random() * places)::integer % places
                FOR NO KEY UPDATE;
        END IF;
    END LOOP;

    SELECT in_requests
           - sum(ceil(extract(epoch FROM b.whole_at - moment)::float8
                      / extract(epoch FROM chatcore.interval_of_rate(in_requests, in_seconds, b.slot))::float8
                      - 0.001)),
           extract(epoch FROM max(b.whole_at) - moment)
      INTO remaining, reset
      FROM chatcore.rate_bucket AS b
     WHERE b.owner = in_owner
       AND b.slot < places
       AND b.whole_at > moment;
END
$$;
