-- Returns what counts against a user's budget of today, and what their calls have cost on each of so many days,
-- newest first: a row for each day with calls, or one without a day. The days are of UTC. Turns whose process
-- died are settled first, and how many those were is told: until it is none, something may be missing.
CREATE OR REPLACE FUNCTION chatcore.usage_of_user(in_owner text, in_days integer)
RETURNS TABLE (
    today date, counted bigint, reserved bigint, day date, calls bigint, input_tokens bigint, output_tokens bigint,
    settled integer
)
LANGUAGE plpgsql
AS $$
DECLARE
    -- Apart from the statement, because row-level security keeps what it does not know out of the index.
    this_day date := (clock_timestamp() AT TIME ZONE 'UTC')::date;
    since timestamptz := (this_day - in_days + 1)::timestamp AT TIME ZONE 'UTC';
    budget record;
BEGIN
    settled := chatcore.interrupt_dead_turns(in_owner);
    SELECT d.spent, d.reserved INTO budget
      FROM chatcore.token_day AS d
     WHERE d.owner = in_owner
       AND d.day = this_day;
    RETURN QUERY
    SELECT this_day, coalesce(budget.spent, 0), coalesce(budget.reserved, 0), ledger.*, settled
      FROM (VALUES (1)) AS one
      LEFT JOIN (
               SELECT (c.created_at AT TIME ZONE 'UTC')::date, count(*), sum(c.input_tokens)::bigint,
                      sum(c.output_tokens)::bigint
                 FROM chatcore.model_call AS c
                WHERE c.owner = in_owner
                  AND c.created_at >= since
                GROUP BY 1
           ) AS ledger (on_day, times, asked, said) ON true
     ORDER BY ledger.on_day DESC;
END
$$;
