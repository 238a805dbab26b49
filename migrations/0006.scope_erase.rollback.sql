-- The version before knows no such scope: keys lose it, and those that were for nothing else go. The owner sees
-- them only where row-level security does not bind it.
ALTER TABLE chatcore.api_key NO FORCE ROW LEVEL SECURITY;
DELETE FROM chatcore.api_key WHERE scopes <@ ARRAY['erase'];
UPDATE chatcore.api_key SET scopes = array_remove(scopes, 'erase') WHERE 'erase' = ANY (scopes);
ALTER TABLE chatcore.api_key FORCE ROW LEVEL SECURITY;
ALTER TABLE chatcore.api_key DROP CONSTRAINT api_key_scopes_check;
ALTER TABLE chatcore.api_key ADD CONSTRAINT api_key_scopes_check
    CHECK (scopes <> '{}' AND scopes <@ ARRAY['read', 'write']);
