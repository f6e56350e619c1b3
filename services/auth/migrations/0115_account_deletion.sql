-- A deletion that its owner has requested, until booking has decided on it: then the account is deleted, or the time is NULL again.
-- Attempts of an account are numbered, so that booking decides each once.
ALTER TABLE users
    ADD COLUMN deletion_requested_at timestamptz,
    ADD COLUMN deletion_attempt bigint NOT NULL DEFAULT 0;
CREATE INDEX users_to_delete ON users (deletion_requested_at) WHERE deletion_requested_at IS NOT NULL;
