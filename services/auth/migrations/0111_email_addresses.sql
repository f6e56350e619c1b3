-- An e-mail address belongs to the account that has verified it or, until one has, to the first that was registered with it: that is `email`.
-- Other accounts that were registered with it are provisional, and have it in a column of their own: the previous release finds
-- accounts by `email`, so that its sign-ins do not see theirs.
ALTER TABLE users ALTER COLUMN email DROP NOT NULL;
ALTER TABLE users ADD COLUMN provisional_email text
    CONSTRAINT users_provisional_email_lower_case CHECK (provisional_email = lower(provisional_email) AND length(provisional_email) <= 255);
ALTER TABLE users ADD CONSTRAINT users_one_email CHECK (num_nonnulls(email, provisional_email) = 1);
ALTER TABLE users ADD CONSTRAINT users_provisional_is_unverified CHECK (provisional_email IS NULL OR NOT is_verified);
CREATE INDEX users_by_provisional_email ON users (provisional_email) WHERE provisional_email IS NOT NULL;
-- The operator vouches for the addresses of admins.
UPDATE users SET is_verified = true WHERE role = 'admin';
