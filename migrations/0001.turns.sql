-- Conversations, their turns and everything that is said in them.
--
-- The owner leads every key, so that no row can hang on another owner's parent even where a statement forgets
-- its filter, and so that the tables can be sharded by owner as they stand. Row-level security is forced from
-- the first day: the owner of the tables is bound by it too.

CREATE SCHEMA chatcore;

CREATE TABLE chatcore.app_user (
    owner text NOT NULL CHECK (owner <> ''),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (owner)
);

-- No index holds updated_at: a finished turn touches it, and such an update stays within its page.
CREATE TABLE chatcore.conversation (
    owner text NOT NULL,
    id uuid NOT NULL,
    title text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (owner, id),
    FOREIGN KEY (owner) REFERENCES chatcore.app_user (owner) ON DELETE CASCADE
) WITH (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.05);

-- A turn is live exactly while ended_at is null. Indexes speak of ended_at and not of status, so that the
-- heartbeats of a live turn, its first words included, touch no index.
CREATE TABLE chatcore.turn (
    owner text NOT NULL,
    id uuid NOT NULL,
    conversation_id uuid NOT NULL,
    number integer NOT NULL CHECK (number > 0),
    status text NOT NULL
        CHECK (status IN ('pending', 'streaming', 'completed', 'failed', 'cancelled', 'interrupted')),
    attempt integer NOT NULL DEFAULT 1 CHECK (attempt > 0),
    active boolean NOT NULL DEFAULT true,
    answered boolean NOT NULL DEFAULT false,
    replaces uuid,
    key text,
    fingerprint bytea,
    question_id uuid NOT NULL,
    reply_id uuid NOT NULL,
    selected_text text,
    lease_token uuid,
    lease_until timestamptz NOT NULL,
    cancel_wished boolean NOT NULL DEFAULT false,
    model text,
    input_tokens bigint,
    output_tokens bigint,
    estimated boolean,
    failure_code text,
    failure_retryable boolean,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended_at timestamptz,
    PRIMARY KEY (owner, id),
    CONSTRAINT turn_number UNIQUE (owner, conversation_id, number),
    FOREIGN KEY (owner, conversation_id) REFERENCES chatcore.conversation (owner, id) ON DELETE CASCADE,
    CONSTRAINT turn_live_until_ended CHECK ((ended_at IS NULL) = (status IN ('pending', 'streaming'))),
    CONSTRAINT turn_completed_with_usage
        CHECK (status <> 'completed' OR num_nulls(input_tokens, output_tokens, estimated) = 0),
    CONSTRAINT turn_failed_with_reason
        CHECK ((status = 'failed') = (num_nulls(failure_code, failure_retryable) = 0))
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);

-- Statements that look for one turn by its id ask for its status and not for ended_at, lest the planner take
-- the small index of live turns for the shorter way and walk through all that an owner has.
CREATE UNIQUE INDEX turn_key ON chatcore.turn (owner, key) WHERE key IS NOT NULL;
CREATE UNIQUE INDEX turn_live ON chatcore.turn (owner, conversation_id) WHERE ended_at IS NULL;

-- The question of turn n stands at position 2n - 1 and its reply at 2n: order is no matter of clocks. A
-- message hangs on its conversation and not on its turn, so that a conversation is deleted in one pass.
CREATE TABLE chatcore.message (
    owner text NOT NULL,
    conversation_id uuid NOT NULL,
    position integer NOT NULL CHECK (position > 0),
    id uuid NOT NULL,
    role text NOT NULL,
    content text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (owner, conversation_id, position),
    FOREIGN KEY (owner, conversation_id) REFERENCES chatcore.conversation (owner, id) ON DELETE CASCADE,
    CONSTRAINT message_roles_alternate
        CHECK (role = CASE position % 2 WHEN 1 THEN 'user' ELSE 'assistant' END)
);

-- The pieces of a reply that is not whole yet, each known by the number of characters up to its end.
CREATE TABLE chatcore.turn_chunk (
    owner text NOT NULL,
    turn_id uuid NOT NULL,
    attempt integer NOT NULL,
    ends_at integer NOT NULL,
    content text NOT NULL,
    PRIMARY KEY (owner, turn_id, attempt, ends_at),
    FOREIGN KEY (owner, turn_id) REFERENCES chatcore.turn (owner, id) ON DELETE CASCADE
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);

-- What was spent, a row per call of a provider. It outlives its conversation, but not its user.
CREATE TABLE chatcore.model_call (
    owner text NOT NULL,
    turn_id uuid NOT NULL,
    attempt integer NOT NULL,
    ordinal integer NOT NULL,
    model text NOT NULL,
    input_tokens bigint NOT NULL,
    output_tokens bigint NOT NULL,
    estimated boolean NOT NULL,
    outcome text NOT NULL,
    seconds double precision NOT NULL,
    first_token_seconds double precision,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (owner, turn_id, attempt, ordinal),
    FOREIGN KEY (owner) REFERENCES chatcore.app_user (owner) ON DELETE CASCADE
);

-- What every function tells of a turn, its status judged by the clock of this server.
CREATE TYPE chatcore.turn_facts AS (
    id uuid,
    conversation_id uuid,
    number integer,
    status text,
    attempt integer,
    fingerprint bytea,
    created_at timestamptz,
    replaces uuid,
    active boolean,
    reply_id uuid,
    reply text,
    reply_at timestamptz,
    input_tokens bigint,
    output_tokens bigint,
    estimated boolean,
    failure_code text,
    failure_retryable boolean
);

ALTER TABLE chatcore.app_user ENABLE ROW LEVEL SECURITY;
ALTER TABLE chatcore.app_user FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON chatcore.app_user
    USING (owner = current_setting('chatcore.owner', true))
    WITH CHECK (owner = current_setting('chatcore.owner', true));

ALTER TABLE chatcore.conversation ENABLE ROW LEVEL SECURITY;
ALTER TABLE chatcore.conversation FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON chatcore.conversation
    USING (owner = current_setting('chatcore.owner', true))
    WITH CHECK (owner = current_setting('chatcore.owner', true));

ALTER TABLE chatcore.turn ENABLE ROW LEVEL SECURITY;
ALTER TABLE chatcore.turn FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON chatcore.turn
    USING (owner = current_setting('chatcore.owner', true))
    WITH CHECK (owner = current_setting('chatcore.owner', true));

ALTER TABLE chatcore.message ENABLE ROW LEVEL SECURITY;
ALTER TABLE chatcore.message FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON chatcore.message
    USING (owner = current_setting('chatcore.owner', true))
    WITH CHECK (owner = current_setting('chatcore.owner', true));

ALTER TABLE chatcore.turn_chunk ENABLE ROW LEVEL SECURITY;
ALTER TABLE chatcore.turn_chunk FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON chatcore.turn_chunk
    USING (owner = current_setting('chatcore.owner', true))
    WITH CHECK (owner = current_setting('chatcore.owner', true));

ALTER TABLE chatcore.model_call ENABLE ROW LEVEL SECURITY;
ALTER TABLE chatcore.model_call FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON chatcore.model_call
    USING (owner = current_setting('chatcore.owner', true))
    WITH CHECK (owner = current_setting('chatcore.owner', true));
