-- Five thousand owners with a short conversation each, and `alice` with five thousand, one of them with a
-- hundred thousand messages.
SET session_replication_role = replica;
INSERT INTO chatcore.app_user (owner) SELECT 'owner-' || n FROM generate_series(1, 5000) AS n;
INSERT INTO chatcore.app_user (owner) VALUES ('alice');
CREATE TEMPORARY TABLE place AS
SELECT 'owner-' || n AS owner, md5('conversation' || n)::uuid AS id, 10 AS turns FROM generate_series(1, 5000) AS n
UNION ALL SELECT 'alice', '00000000-0000-0000-0000-00000000000a', 5
UNION ALL SELECT 'alice', '00000000-0000-0000-0000-00000000000b', 50000
UNION ALL SELECT 'alice', md5('alice' || n)::uuid, 1 FROM generate_series(1, 5000) AS n;
INSERT INTO chatcore.conversation (owner, id, title) SELECT owner, id, 'A title' FROM place;
INSERT INTO chatcore.turn (
    owner, id, conversation_id, number, status, key, question_id, reply_id, lease_token, lease_until,
    input_tokens, output_tokens, estimated, answered, ended_at
)
SELECT owner, md5(owner || id || number)::uuid, id, number, 'completed', owner || id || number,
       md5('q' || number)::uuid, md5('r' || number)::uuid, md5('t' || number)::uuid, clock_timestamp(),
       1, 1, false, true, clock_timestamp()
  FROM place, generate_series(1, turns) AS number;
INSERT INTO chatcore.message (owner, conversation_id, position, id, role, content)
SELECT owner, id, position, md5('m' || position)::uuid,
       CASE position % 2 WHEN 1 THEN 'user' ELSE 'assistant' END, 'Something said at ' || position
  FROM place, generate_series(1, 2 * turns) AS position;
INSERT INTO chatcore.turn_chunk (owner, turn_id, attempt, ends_at, content)
SELECT owner, md5(owner || id || 1)::uuid, 1, 10 * piece, 'ten signs.'
  FROM place, generate_series(1, 4) AS piece
 WHERE owner <> 'alice';
INSERT INTO chatcore.model_call (
    owner, turn_id, attempt, ordinal, model, input_tokens, output_tokens, estimated, outcome, seconds
)
SELECT owner, md5(owner || id || number)::uuid, 1, 1, 'a model', 1, 1, false, 'ok', 0.5
  FROM place, generate_series(1, least(turns, 10)) AS number;
VACUUM ANALYZE chatcore.app_user, chatcore.conversation, chatcore.turn, chatcore.message, chatcore.turn_chunk,
               chatcore.model_call;
-- The planner does not know yet that alice has five thousand live turns.
UPDATE chatcore.turn
   SET status = 'pending', ended_at = NULL, answered = false, lease_until = 'infinity'
 WHERE owner = 'alice'
   AND conversation_id NOT IN ('00000000-0000-0000-0000-00000000000a', '00000000-0000-0000-0000-00000000000b');
RESET session_replication_role;
