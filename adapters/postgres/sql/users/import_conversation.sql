INSERT INTO chatcore.conversation (
    owner, id, title, created_at, updated_at
) VALUES (
    %(owner)s, %(id)s, %(title)s, %(created_at)s, %(updated_at)s
)
