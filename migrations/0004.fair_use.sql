-- Fair use: how much a subject may still ask, what a user may still spend today, and what each day has cost.

-- A subject is an owner or, beginning with @, a network address; under row-level security it plays the owner's
-- role. A row that is not there means an allowance that is whole. A rate is shared out among several rows, made
-- as they are needed, so that many who ask at once need not wait for each other's COMMIT.
CREATE TABLE chatcore.rate_bucket (
    owner text NOT NULL,
    slot smallint NOT NULL,
    whole_at timestamptz NOT NULL,
    PRIMARY KEY (owner, slot)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);

-- A row per user and day on which a budget of tokens bounded them.
CREATE TABLE chatcore.token_day (
    owner text NOT NULL,
    day date NOT NULL,
    reserved bigint NOT NULL DEFAULT 0,
    spent bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (owner, day),
    FOREIGN KEY (owner) REFERENCES chatcore.app_user (owner) ON DELETE CASCADE
) WITH (fillfactor = 50);

-- What a turn's prompt was estimated to cost when it began, and what of which day's tokens it has reserved.
ALTER TABLE chatcore.turn
    ADD COLUMN prompt_tokens bigint NOT NULL DEFAULT 0,
    ADD COLUMN reserved bigint NOT NULL DEFAULT 0,
    ADD COLUMN budget_day date;

CREATE INDEX model_call_day ON chatcore.model_call (owner, created_at);

ALTER TABLE chatcore.rate_bucket ENABLE ROW LEVEL SECURITY;
ALTER TABLE chatcore.rate_bucket FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON chatcore.rate_bucket
    USING (owner = current_setting('chatcore.owner', true))
    WITH CHECK (owner = current_setting('chatcore.owner', true));
-- What means nothing any more is swept away by @, which is nobody.
CREATE POLICY swept ON chatcore.rate_bucket
    USING (current_setting('chatcore.owner', true) = '@' AND whole_at < clock_timestamp() - interval '1 minute')
    WITH CHECK (false);

ALTER TABLE chatcore.token_day ENABLE ROW LEVEL SECURITY;
ALTER TABLE chatcore.token_day FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON chatcore.token_day
    USING (owner = current_setting('chatcore.owner', true))
    WITH CHECK (owner = current_setting('chatcore.owner', true));
