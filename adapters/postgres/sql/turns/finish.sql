SELECT id, conversation_id, number, status, attempt, fingerprint, created_at, replaces, active, reply_id, reply,
       reply_at, input_tokens, output_tokens, estimated, failure_code, failure_retryable
  FROM chatcore.finish_turn($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
