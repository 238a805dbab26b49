-- Returns the API key with this digest, or no row, and notes at most once a minute that it was used: who
-- calls often makes no more than that to write.
CREATE OR REPLACE FUNCTION chatcore.use_api_key(
    in_owner text, in_id uuid, in_digest bytea, in_at timestamptz
)
RETURNS TABLE (
    id uuid, name text, scopes text[], created_at timestamptz, expires_at timestamptz,
    last_used_at timestamptz, revoked_at timestamptz
)
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM set_config('chatcore.owner', in_owner, true), set_config('lock_timeout', '2s', true);
    UPDATE chatcore.api_key AS k
       SET last_used_at = in_at
     WHERE k.owner = in_owner
       AND k.id = in_id
       AND k.digest = in_digest
       AND coalesce(k.last_used_at <= in_at - interval '1 minute', true);
    RETURN QUERY
    SELECT k.id, k.name, k.scopes, k.created_at, k.expires_at, k.last_used_at, k.revoked_at
      FROM chatcore.api_key AS k
     WHERE k.owner = in_owner
       AND k.id = in_id
       AND k.digest = in_digest;
END
$$;
