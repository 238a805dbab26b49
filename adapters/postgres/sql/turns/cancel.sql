SELECT id, conversation_id, number, status, attempt, fingerprint, created_at, replaces, active, reply_id, reply,
       reply_at, input_tokens, output_tokens, estimated, failure_code, failure_retryable
  FROM chatcore.cancel_turn($1, $2)
