-- Writes the calls of an attempt into the ledger whose turn was taken from it, or deleted with its conversation.
-- A call that somebody has written off already stays as it was estimated. Of a user who was erased, or is just
-- being erased, nothing is written.
CREATE OR REPLACE FUNCTION chatcore.bill_attempt(
    in_owner text, in_turn uuid, in_attempt integer, in_calls jsonb
) RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
    tokens bigint;
BEGIN
    PERFORM set_config('chatcore.owner', in_owner, true), set_config('lock_timeout', '2s', true);
    PERFORM FROM chatcore.app_user AS u WHERE u.owner = in_owner;
    IF FOUND THEN
        tokens := chatcore.record_calls(in_owner, in_turn, in_attempt, in_calls);
        UPDATE chatcore.token_day AS d
           SET spent = d.spent + tokens
         WHERE d.owner = in_owner
           AND d.day = (clock_timestamp() AT TIME ZONE 'UTC')::date;
    END IF;
EXCEPTION WHEN foreign_key_violation THEN
    -- Whoever erased the user was faster.
    NULL;
END
$$;
