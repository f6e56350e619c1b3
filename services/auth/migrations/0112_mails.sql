-- Mails to send, and the tokens in them, which prove that their user reads the mailbox. Each is written in the transaction of its reason.
CREATE TABLE mails (
    id              uuid PRIMARY KEY,
    kind            text NOT NULL CONSTRAINT mails_kind_known CHECK (kind IN ('verification', 'password_reset')),
    -- Account of the token. NULL for a reset of an address that no account holds: it leads to no mail, and is stored all the same, so that
    -- the request does the same work.
    user_id         uuid REFERENCES users (id) ON DELETE CASCADE,
    -- Keyed hash, by which the mails to an address are counted.
    address_hash    bytea NOT NULL CONSTRAINT mails_address_hash_sha256 CHECK (octet_length(address_hash) = 32),
    -- Address and token, encrypted; NULL as soon as nothing is left to send.
    sealed          bytea,
    token_hash      bytea NOT NULL CONSTRAINT mails_token_unique UNIQUE
                    CONSTRAINT mails_token_hash_sha256 CHECK (octet_length(token_hash) = 32),
    -- SHA-256 of the password's hash when a reset was requested: a change of the password ends the token.
    password_digest bytea,
    created_at      timestamptz NOT NULL,
    expires_at      timestamptz NOT NULL,
    used_at         timestamptz,
    -- Time of the next attempt to send; NULL when there is none.
    due_at          timestamptz,
    attempts        integer NOT NULL DEFAULT 0,
    -- Time at which the mail was counted among those to the address.
    admitted_at     timestamptz,
    outcome         text,
    correlation_id  text,
    traceparent     text,
    CONSTRAINT mails_sealed_while_due CHECK ((sealed IS NULL) = (due_at IS NULL))
);
CREATE INDEX mails_due ON mails (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX mails_admitted ON mails (address_hash, kind, admitted_at) WHERE admitted_at IS NOT NULL;
CREATE INDEX mails_by_user ON mails (user_id);
CREATE INDEX mails_by_age ON mails (created_at);
