SELECT conversation_id, number, id, status, attempt, active, answered, replaces, key, fingerprint,
       question_id, reply_id, selected_text, lease_until, cancel_wished, model, input_tokens,
       output_tokens, estimated, failure_code, failure_retryable, created_at, ended_at
  FROM chatcore.turn
 WHERE owner = %(owner)s
   AND (conversation_id, number) > (%(conversation_id)s, %(number)s)
 ORDER BY conversation_id, number
 LIMIT %(page)s
