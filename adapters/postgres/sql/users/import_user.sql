INSERT INTO chatcore.app_user (
    owner, created_at
) VALUES (
    %(owner)s, %(created_at)s
)
