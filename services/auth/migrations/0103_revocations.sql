-- Access tokens that were ended before their time. Redis holds the copy that everybody asks; this is the original, from
-- which the copy is made again when Redis was away or has forgotten. A row goes when its token would have ended anyway.
CREATE TABLE revocations (
    token_id   uuid PRIMARY KEY,
    session_id uuid NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX revocations_by_session ON revocations (session_id);
CREATE INDEX revocations_by_expiry ON revocations (expires_at);
