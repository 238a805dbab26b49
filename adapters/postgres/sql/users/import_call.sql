INSERT INTO chatcore.model_call (
    owner, turn_id, attempt, ordinal, model, input_tokens, output_tokens, estimated, outcome, seconds,
    first_token_seconds, created_at
) VALUES (
    %(owner)s, %(turn_id)s, %(attempt)s, %(ordinal)s, %(model)s, %(input_tokens)s, %(output_tokens)s, %(estimated)s,
    %(outcome)s, %(seconds)s, %(first_token_seconds)s, %(created_at)s
)
