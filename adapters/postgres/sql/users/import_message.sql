INSERT INTO chatcore.message (
    owner, conversation_id, position, id, role, content, created_at
) VALUES (
    %(owner)s, %(conversation_id)s, %(position)s, %(id)s, %(role)s, %(content)s, %(created_at)s
)
