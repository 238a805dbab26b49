-- Records an API key of an owner, who need not be known yet. Once recorded, it is left as it is.
CREATE OR REPLACE FUNCTION chatcore.add_api_key(
    in_owner text, in_id uuid, in_name text, in_scopes text[], in_digest bytea, in_created_at timestamptz,
    in_expires_at timestamptz
) RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM set_config('chatcore.owner', in_owner, true), set_config('lock_timeout', '2s', true);
    INSERT INTO chatcore.app_user (owner) VALUES (in_owner) ON CONFLICT (owner) DO NOTHING;
    INSERT INTO chatcore.api_key (owner, id, name, scopes, digest, created_at, expires_at)
    VALUES (in_owner, in_id, in_name, in_scopes, in_digest, in_created_at, in_expires_at)
    ON CONFLICT (owner, id) DO NOTHING;
END
$$;
