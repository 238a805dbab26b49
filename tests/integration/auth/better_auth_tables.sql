-- What is read of the tables that Better Auth makes; a real one is tried under tests/better_auth.
CREATE TABLE "user" (id text PRIMARY KEY);
CREATE TABLE "session" (
    id text PRIMARY KEY,
    token text NOT NULL UNIQUE,
    "expiresAt" timestamptz NOT NULL,
    "userId" text NOT NULL REFERENCES "user" (id) ON DELETE CASCADE
);
