-- Client and last use of a session, for its owner. Sessions of the previous release have neither.
ALTER TABLE sessions
    ADD COLUMN last_used_at timestamptz,
    ADD COLUMN client_address text CONSTRAINT sessions_client_address_length CHECK (length(client_address) <= 45),
    ADD COLUMN user_agent text CONSTRAINT sessions_user_agent_length CHECK (length(user_agent) <= 256);
ALTER TABLE sessions DROP CONSTRAINT sessions_end_reason_known;
ALTER TABLE sessions ADD CONSTRAINT sessions_end_reason_known CHECK (
    end_reason IN ('logout', 'reuse', 'password_change', 'password_reset', 'user', 'account_disabled', 'account_deleted')
);

-- An admin can disable an account: its sessions end, and it cannot sign in.
ALTER TABLE users
    ADD COLUMN disabled_at timestamptz,
    ADD COLUMN disabled_reason text CONSTRAINT users_disabled_reason_length CHECK (length(disabled_reason) BETWEEN 1 AND 500),
    ADD CONSTRAINT users_disabled_has_a_reason CHECK ((disabled_at IS NULL) = (disabled_reason IS NULL));
