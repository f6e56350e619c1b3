-- Access tokens that are invalid before they expire. They are looked up in a copy in Redis, which is restored from this
-- table when Redis was unreachable or lost its data. Rows are deleted once their token has expired.
CREATE TABLE revocations (
    token_id   uuid PRIMARY KEY,
    session_id uuid NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX revocations_by_session ON revocations (session_id);
CREATE INDEX revocations_by_expiry ON revocations (expires_at);
