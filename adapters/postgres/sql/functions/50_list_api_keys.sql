-- Returns an owner's API keys, oldest first.
CREATE OR REPLACE FUNCTION chatcore.list_api_keys(in_owner text)
RETURNS TABLE (
    id uuid, name text, scopes text[], created_at timestamptz, expires_at timestamptz,
    last_used_at timestamptz, revoked_at timestamptz
)
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM set_config('chatcore.owner', in_owner, true);
    RETURN QUERY
    SELECT k.id, k.name, k.scopes, k.created_at, k.expires_at, k.last_used_at, k.revoked_at
      FROM chatcore.api_key AS k
     WHERE k.owner = in_owner
     ORDER BY k.created_at, k.id;
END
$$;
