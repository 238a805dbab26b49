-- A conversation of :messages messages in a table of :total, the others in conversations of a hundred, two to an
-- owner. In sets and without a check per row: the owner of the tables lifts row-level security and the foreign
-- keys for this transaction, and puts back what was there.
BEGIN;
ALTER TABLE chatcore.app_user NO FORCE ROW LEVEL SECURITY;
ALTER TABLE chatcore.conversation NO FORCE ROW LEVEL SECURITY;
ALTER TABLE chatcore.turn NO FORCE ROW LEVEL SECURITY;
ALTER TABLE chatcore.message NO FORCE ROW LEVEL SECURITY;

CREATE TEMPORARY TABLE lifted ON COMMIT DROP AS
SELECT c.conrelid::regclass AS on_table, c.conname AS name, pg_get_constraintdef(c.oid) AS definition
  FROM pg_constraint AS c
 WHERE c.contype = 'f'
   AND c.conrelid IN ('chatcore.turn'::regclass, 'chatcore.message'::regclass);
SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', on_table, name) FROM lifted
\gexec

CREATE TEMPORARY TABLE place ON COMMIT DROP AS
SELECT 'grown-' || :messages AS owner, lpad(to_hex(:messages), 32, '0')::uuid AS id, :messages / 2 AS turns
 UNION ALL
SELECT md5('owner ' || :messages || n / 2), md5('conversation ' || :messages || n)::uuid, 50
  FROM generate_series(1, (:total - :messages) / 100) AS n;
INSERT INTO chatcore.app_user (owner) SELECT DISTINCT owner FROM place;
INSERT INTO chatcore.conversation (owner, id, title) SELECT owner, id, 'Balance' FROM place;

INSERT INTO chatcore.turn (
    owner, id, conversation_id, number, status, answered, key, fingerprint, question_id, reply_id,
    lease_token, lease_until, model, input_tokens, output_tokens, estimated, ended_at
)
SELECT owner, uuidv7(), id, number, 'completed', true, left(id::text, 8) || number, sha256('q'), uuidv7(), uuidv7(),
       uuidv7(), clock_timestamp(), 'stub', 250, 112, false, clock_timestamp()
  FROM place, generate_series(1, turns) AS number;
INSERT INTO chatcore.message (owner, conversation_id, position, id, role, content)
SELECT owner, id, position, uuidv7(), CASE position % 2 WHEN 1 THEN 'user' ELSE 'assistant' END,
       CASE position % 2 WHEN 1 THEN 'How does a humanoid robot keep its balance?' ELSE repeat('answer ', 64) END
  FROM place, generate_series(1, 2 * turns) AS position;

SELECT format('ALTER TABLE %s ADD CONSTRAINT %I %s', on_table, name, definition) FROM lifted
\gexec
ALTER TABLE chatcore.app_user FORCE ROW LEVEL SECURITY;
ALTER TABLE chatcore.conversation FORCE ROW LEVEL SECURITY;
ALTER TABLE chatcore.turn FORCE ROW LEVEL SECURITY;
ALTER TABLE chatcore.message FORCE ROW LEVEL SECURITY;
COMMIT;
VACUUM (ANALYZE) chatcore.app_user, chatcore.conversation, chatcore.turn, chatcore.message;
