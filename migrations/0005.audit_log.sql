-- The audit trail: a row for each action of somebody who is known. The serving role may add to it and read it,
-- but neither change nor delete single ones: whoever takes that role over cannot pick out what it did. What is
-- left to it is to erase a whole user, whose rows go along; the lines that were shipped before are the witness.

CREATE TABLE chatcore.audit_log (
    owner text NOT NULL,
    id uuid NOT NULL,
    at timestamptz NOT NULL,
    method text NOT NULL,
    action text NOT NULL,
    resource jsonb NOT NULL,
    status integer NOT NULL,
    problem text,
    request_id text NOT NULL,
    address text,
    PRIMARY KEY (owner, id),
    FOREIGN KEY (owner) REFERENCES chatcore.app_user (owner) ON DELETE CASCADE
);

ALTER TABLE chatcore.audit_log ENABLE ROW LEVEL SECURITY;
ALTER TABLE chatcore.audit_log FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON chatcore.audit_log
    USING (owner = current_setting('chatcore.owner', true))
    WITH CHECK (owner = current_setting('chatcore.owner', true));
-- Whose rows there are is shown to @, which is nobody, and only where this table's owner asks, to prune them. No
-- role is named, so that a backup can be restored under another owner.
CREATE POLICY listed ON chatcore.audit_log FOR SELECT
    USING (current_setting('chatcore.owner', true) = '@'
           AND pg_catalog.pg_has_role((SELECT c.relowner
                                         FROM pg_catalog.pg_class AS c
                                        WHERE c.oid = 'chatcore.audit_log'::regclass), 'USAGE'));
