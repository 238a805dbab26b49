-- API keys. The text of a key names its owner, so that a key is found under its owner like everything else;
-- only the digest of the text is here.

CREATE TABLE chatcore.api_key (
    owner text NOT NULL,
    id uuid NOT NULL,
    name text NOT NULL,
    scopes text[] NOT NULL CHECK (scopes <> '{}' AND scopes <@ ARRAY['read', 'write']),
    digest bytea NOT NULL CHECK (length(digest) = 32),
    created_at timestamptz NOT NULL,
    expires_at timestamptz,
    last_used_at timestamptz,
    revoked_at timestamptz,
    PRIMARY KEY (owner, id),
    FOREIGN KEY (owner) REFERENCES chatcore.app_user (owner) ON DELETE CASCADE
) WITH (fillfactor = 85);

ALTER TABLE chatcore.api_key ENABLE ROW LEVEL SECURITY;
ALTER TABLE chatcore.api_key FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON chatcore.api_key
    USING (owner = current_setting('chatcore.owner', true))
    WITH CHECK (owner = current_setting('chatcore.owner', true));
