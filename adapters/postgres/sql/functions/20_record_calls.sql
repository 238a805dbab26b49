-- Writes the calls of an attempt into the ledger, each an array (model, tokens in and out, estimated, outcome,
-- seconds, seconds to the first token), and returns the tokens of those that were not there yet. Whoever calls
-- it has set the identity.
CREATE OR REPLACE FUNCTION chatcore.record_calls(in_owner text, in_turn uuid, in_attempt integer, in_calls jsonb)
RETURNS bigint
LANGUAGE plpgsql
AS $$
DECLARE
    tokens bigint;
BEGIN
    WITH recorded AS (
        INSERT INTO chatcore.model_call (
            owner, turn_id, attempt, ordinal, model, input_tokens, output_tokens, estimated, outcome,
            seconds, first_token_seconds
        )
        SELECT in_owner, in_turn, in_attempt, call.ordinality, call.value ->> 0,
               (call.value -> 1)::bigint, (call.value -> 2)::bigint, (call.value -> 3)::boolean,
               call.value ->> 4, (call.value -> 5)::double precision,
               (call.value ->> 6)::double precision
          FROM jsonb_array_elements(in_calls) WITH ORDINALITY AS call
            ON CONFLICT (owner, turn_id, attempt, ordinal) DO NOTHING
        RETURNING input_tokens + output_tokens AS cost
    )
    SELECT coalesce(sum(cost), 0) INTO tokens FROM recorded;
    RETURN tokens;
END
$$;
