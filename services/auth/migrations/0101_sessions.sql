-- A session is a family of refresh tokens: it begins at login, and each of its tokens is exchanged once for the next.
CREATE TABLE sessions (
    id         uuid PRIMARY KEY,
    user_id    uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at timestamptz NOT NULL,
    -- Expiry of the newest token.
    expires_at timestamptz NOT NULL,
    ended_at   timestamptz,
    end_reason text CONSTRAINT sessions_end_reason_known CHECK (end_reason IN ('logout', 'reuse')),
    CONSTRAINT sessions_end_has_a_reason CHECK ((ended_at IS NULL) = (end_reason IS NULL))
);
CREATE INDEX sessions_by_user ON sessions (user_id);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

-- Only hashes are stored. Used tokens are kept to detect a second use.
CREATE TABLE refresh_tokens (
    token_hash        bytea PRIMARY KEY CONSTRAINT refresh_tokens_sha256 CHECK (octet_length(token_hash) = 32),
    session_id        uuid NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    issued_at         timestamptz NOT NULL,
    expires_at        timestamptz NOT NULL,
    used_at           timestamptz,
    -- The access token issued with it, revoked when the session is ended.
    access_token_id   uuid NOT NULL,
    access_expires_at timestamptz NOT NULL
);
CREATE INDEX refresh_tokens_used ON refresh_tokens (expires_at) WHERE used_at IS NOT NULL;
CREATE INDEX refresh_tokens_by_session ON refresh_tokens (session_id);
-- At most one unused token per session.
CREATE UNIQUE INDEX refresh_tokens_one_live ON refresh_tokens (session_id) WHERE used_at IS NULL;
