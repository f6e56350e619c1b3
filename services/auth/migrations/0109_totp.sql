-- Second factors. Whether an account has one stands in its row, which every login and refresh reads.
ALTER TABLE users ADD COLUMN totp_enabled boolean NOT NULL DEFAULT false;

-- Secrets of authenticator apps, encrypted (chassis::encryption).
CREATE TABLE totp_credentials (
    user_id            uuid PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    sealed_secret      bytea,
    -- A new secret, until a code of it is confirmed.
    sealed_pending     bytea,
    pending_expires_at timestamptz,
    -- Time step of the newest accepted code. Codes of this and earlier steps are refused.
    last_step          bigint NOT NULL,
    -- Attempts since the last accepted code, and when the next one may be made.
    failures           integer NOT NULL,
    retry_at           timestamptz,
    CONSTRAINT totp_credentials_pending_expires CHECK ((sealed_pending IS NULL) = (pending_expires_at IS NULL))
);

-- Only hashes are stored. A code is deleted when it is used.
CREATE TABLE recovery_codes (
    user_id   uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    code_hash bytea NOT NULL CONSTRAINT recovery_codes_sha256 CHECK (octet_length(code_hash) = 32),
    PRIMARY KEY (user_id, code_hash)
);
