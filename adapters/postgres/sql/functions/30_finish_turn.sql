-- Ends a turn, fenced by its lease, and returns it as recorded; null where it is not ours any more.
CREATE OR REPLACE FUNCTION chatcore.finish_turn(
    in_owner text, in_conversation uuid, in_turn uuid, in_token uuid, in_status text, in_text text,
    in_input_tokens bigint, in_output_tokens bigint, in_estimated boolean, in_model text,
    in_failure_code text, in_failure_retryable boolean, in_calls jsonb
) RETURNS chatcore.turn_facts
LANGUAGE plpgsql
AS $$
DECLARE
    done chatcore.turn;
    ended timestamptz := clock_timestamp();
    tokens bigint;
BEGIN
    PERFORM set_config('chatcore.owner', in_owner, true), set_config('lock_timeout', '2s', true);
    PERFORM
       FROM chatcore.conversation AS c
      WHERE c.owner = in_owner
        AND c.id = in_conversation
        FOR NO KEY UPDATE;
    UPDATE chatcore.turn AS t
       SET status = in_status, ended_at = ended, answered = in_text IS NOT NULL, model = in_model,
           input_tokens = in_input_tokens, output_tokens = in_output_tokens, estimated = in_estimated,
           failure_code = in_failure_code, failure_retryable = in_failure_retryable
     WHERE t.owner = in_owner
       AND t.id = in_turn
       AND t.lease_token = in_token
       AND t.status IN ('pending', 'streaming')
       AND NOT chatcore.lease_is_dead(t.lease_until)
    RETURNING * INTO done;
    IF NOT FOUND THEN
        -- Either it was taken from us, or it was we who ended it and the answer was lost.
        PERFORM
           FROM chatcore.turn AS t
          WHERE t.owner = in_owner
            AND t.id = in_turn
            AND t.lease_token = in_token
            AND t.status IN ('completed', 'failed', 'cancelled');
        IF FOUND THEN
            RETURN chatcore.facts_of_turn(in_owner, in_turn);
        END IF;
        RETURN NULL;
    END IF;

    IF in_text IS NOT NULL THEN
        INSERT INTO chatcore.message (owner, conversation_id, position, id, role, content, created_at)
        VALUES (in_owner, in_conversation, 2 * done.number, done.reply_id, 'assistant', in_text, ended);
    END IF;
    DELETE FROM chatcore.turn_chunk AS c WHERE c.owner = in_owner AND c.turn_id = in_turn;
    UPDATE chatcore.conversation AS c
       SET updated_at = ended
     WHERE c.owner = in_owner
       AND c.id = in_conversation;
    tokens := chatcore.record_calls(in_owner, in_turn, done.attempt, in_calls);
    IF done.budget_day IS NOT NULL THEN
        PERFORM chatcore.settle_turn(in_owner, done, tokens);
    END IF;
    RETURN (
        done.id, done.conversation_id, done.number, done.status, done.attempt, done.fingerprint,
        done.created_at, done.replaces, done.active, done.reply_id, in_text, ended,
        done.input_tokens, done.output_tokens, done.estimated, done.failure_code, done.failure_retryable
    )::chatcore.turn_facts;
END
$$;
