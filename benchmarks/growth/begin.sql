-- The begin statement in the conversation of :messages messages, taken back each time, so that the next one finds
-- it as long as it was. Its own time is taken, without BEGIN and ROLLBACK.
\set turn random(1, 9223372036854775807)
BEGIN;
turns/begin <- (
    'grown-' || :messages::text                   -- owner
    lpad(to_hex(:messages::bigint), 32, '0')::uuid  -- conversation
    false                                         -- new conversation
    'Balance'                                     -- title
    lpad(to_hex(:turn::bigint), 32, '0')::uuid    -- turn
    uuidv7()                                      -- question
    uuidv7()                                      -- reply
    'How does a humanoid robot keep its balance while it walks over uneven ground, and what does it sense?'
    NULL                                          -- selected text
    :turn::text                                   -- idempotency key
    sha256('q')                                   -- fingerprint
    NULL                                          -- replaces
    5                                             -- window
    uuidv7()                                      -- lease
    30                                            -- seconds
    NULL                                          -- rate of the owner
    NULL                                          -- its seconds
    NULL                                          -- address
    NULL                                          -- rate of the address
    NULL                                          -- its seconds
    100                                           -- tokens of the prompt
    1000                                          -- tokens that a reply may have
    NULL                                          -- tokens of a day
);
ROLLBACK;
