-- Keys of access tokens: the newest published one signs, all verify. Private keys are encrypted (chassis::encryption).
CREATE TABLE signing_keys (
    kid                text PRIMARY KEY,
    public_key         bytea NOT NULL CONSTRAINT signing_keys_ed25519 CHECK (octet_length(public_key) = 32),
    sealed_private_key bytea NOT NULL,
    created_at         timestamptz NOT NULL
);
