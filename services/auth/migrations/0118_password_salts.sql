-- Key of the salts of passwords: the accounts of one e-mail address have the same salt, so that a sign-in computes one hash however many
-- accounts the address has. Other addresses have other salts. 244 random bits: a UUID of version 4 has 122.
CREATE TABLE password_salt_key (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    key      bytea   NOT NULL CHECK (octet_length(key) = 32)
);
INSERT INTO password_salt_key (key)
VALUES (sha256(convert_to(gen_random_uuid()::text || gen_random_uuid()::text, 'UTF8')));

-- A sign-in finds the account by address and hash, also among many provisional accounts.
CREATE INDEX users_by_provisional_sign_in ON users (provisional_email, password_hash) WHERE provisional_email IS NOT NULL;
DROP INDEX users_by_provisional_email;

-- A change of the second factor ends the other sessions.
ALTER TABLE sessions DROP CONSTRAINT sessions_end_reason_known;
ALTER TABLE sessions ADD CONSTRAINT sessions_end_reason_known CHECK (
    end_reason IN ('logout', 'reuse', 'password_change', 'password_reset', 'mfa_change', 'user', 'account_disabled', 'account_deleted')
);
