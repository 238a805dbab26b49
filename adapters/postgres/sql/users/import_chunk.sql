INSERT INTO chatcore.turn_chunk (
    owner, turn_id, attempt, ends_at, content
) VALUES (
    %(owner)s, %(turn_id)s, %(attempt)s, %(ends_at)s, %(content)s
)
