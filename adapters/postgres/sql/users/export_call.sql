SELECT turn_id, attempt, ordinal, model, input_tokens, output_tokens, estimated, outcome, seconds,
       first_token_seconds, created_at
  FROM chatcore.model_call
 WHERE owner = %(owner)s
   AND (turn_id, attempt, ordinal) > (%(turn_id)s, %(attempt)s, %(ordinal)s)
 ORDER BY turn_id, attempt, ordinal
 LIMIT %(page)s
