-- A key may erase its user where it was made for that.
ALTER TABLE chatcore.api_key DROP CONSTRAINT api_key_scopes_check;
ALTER TABLE chatcore.api_key ADD CONSTRAINT api_key_scopes_check
    CHECK (scopes <> '{}' AND scopes <@ ARRAY['read', 'write', 'erase']);
