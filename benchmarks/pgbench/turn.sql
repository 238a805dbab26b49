-- A whole turn: the statements that the store sends, one after the other. Each client goes on with the conversation
-- that the setup gave it, and its length does not matter. Ids are by chance where the store takes the time.
\set turn random(1, 9223372036854775807)
\set token random(1, 9223372036854775807)

turns/begin <- (
    'bench-' || :client_id::text                  -- owner
    lpad(to_hex(:client_id::bigint), 32, '0')::uuid  -- conversation
    false                                         -- new conversation
    'How does a humanoid robot keep its balance while it walks over uneven ground, and what does it sense?'
    lpad(to_hex(:turn::bigint), 32, '0')::uuid    -- turn
    uuidv7()                                      -- question
    uuidv7()                                      -- reply
    'How does a humanoid robot keep its balance while it walks over uneven ground, and what does it sense?'
    NULL                                          -- selected text
    :turn::text                                   -- idempotency key
    sha256('q')                                   -- fingerprint
    NULL                                          -- replaces
    5                                             -- window
    lpad(to_hex(:token::bigint), 32, '0')::uuid   -- lease
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

turns/finish <- (
    'bench-' || :client_id::text                  -- owner
    lpad(to_hex(:client_id::bigint), 32, '0')::uuid  -- conversation
    lpad(to_hex(:turn::bigint), 32, '0')::uuid    -- turn
    lpad(to_hex(:token::bigint), 32, '0')::uuid   -- lease
    'completed'                                   -- status
    repeat('answer ', 64)                         -- text
    250                                           -- tokens in
    112                                           -- tokens out
    false                                         -- estimated
    'stub'                                        -- model
    NULL                                          -- failure
    NULL                                          -- whether it may be tried again
    '[["stub", 250, 112, false, "ok", 0.001, null]]'
) \gset done_

-- A turn that was not recorded has no number, which ends the client here.
\set recorded :done_number + 0
