SELECT verdict, NULL, NULL, NULL, attempt, question, selected_text, questions, answers,
       (turn).id, (turn).conversation_id, (turn).number, (turn).status, (turn).attempt, (turn).fingerprint,
       (turn).created_at, (turn).replaces, (turn).active, (turn).reply_id, (turn).reply, (turn).reply_at,
       (turn).input_tokens, (turn).output_tokens, (turn).estimated, (turn).failure_code, (turn).failure_retryable
  FROM chatcore.take_over_turn($1, $2, $3, $4, $5, $6)
