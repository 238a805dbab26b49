-- Writes into the ledger what an attempt is estimated to have cost that ended with its process: nobody is left
-- who knows. One row stands for all its calls. Whoever calls it holds the lock of the turn, whose pieces are
-- still there, and has set the identity.
CREATE OR REPLACE FUNCTION chatcore.write_off_attempt(in_owner text, in_turn chatcore.turn) RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
    said bigint;
BEGIN
    SELECT coalesce(ceil(sum(length(c.content)) / 4.0), 0) INTO said
      FROM chatcore.turn_chunk AS c
     WHERE c.owner = in_owner
       AND c.turn_id = in_turn.id
       AND c.attempt = in_turn.attempt;
    INSERT INTO chatcore.model_call (
        owner, turn_id, attempt, ordinal, model, input_tokens, output_tokens, estimated, outcome, seconds
    ) VALUES (
        in_owner, in_turn.id, in_turn.attempt, 1, 'unknown', in_turn.prompt_tokens, said, true, 'lost', 0
    )
        ON CONFLICT (owner, turn_id, attempt, ordinal) DO NOTHING;
    PERFORM chatcore.settle_turn(in_owner, in_turn, in_turn.prompt_tokens + said);
END
$$;
