INSERT INTO chatcore.turn (
    owner, conversation_id, number, id, status, attempt, active, answered, replaces, key, fingerprint,
    question_id, reply_id, selected_text, lease_until, cancel_wished, model, input_tokens,
    output_tokens, estimated, failure_code, failure_retryable, created_at, ended_at
) VALUES (
    %(owner)s, %(conversation_id)s, %(number)s, %(id)s, %(status)s, %(attempt)s, %(active)s,
    %(answered)s, %(replaces)s, %(key)s, %(fingerprint)s, %(question_id)s, %(reply_id)s,
    %(selected_text)s, %(lease_until)s, %(cancel_wished)s, %(model)s, %(input_tokens)s,
    %(output_tokens)s, %(estimated)s, %(failure_code)s, %(failure_retryable)s, %(created_at)s,
    %(ended_at)s
)
