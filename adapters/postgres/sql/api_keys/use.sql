SELECT id, name, scopes, created_at, expires_at, last_used_at, revoked_at
  FROM chatcore.use_api_key($1, $2, $3, $4)
