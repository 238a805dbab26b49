SELECT id, name, scopes, created_at, expires_at, last_used_at, revoked_at
  FROM chatcore.list_api_keys($1)
 ORDER BY created_at, id
