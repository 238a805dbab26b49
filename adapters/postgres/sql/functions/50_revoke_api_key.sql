-- Ends an API key, and returns whether there is such a key; the first end stays.
CREATE OR REPLACE FUNCTION chatcore.revoke_api_key(in_owner text, in_id uuid, in_at timestamptz)
RETURNS boolean
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM set_config('chatcore.owner', in_owner, true), set_config('lock_timeout', '2s', true);
    UPDATE chatcore.api_key AS k
       SET revoked_at = coalesce(k.revoked_at, in_at)
     WHERE k.owner = in_owner
       AND k.id = in_id;
    RETURN FOUND;
END
$$;
