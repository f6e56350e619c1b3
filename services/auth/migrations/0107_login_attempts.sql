-- Failed and successful logins by account and client address, for accounts that do not exist as for those that do. The row with the
-- address '' counts the failures of all addresses that never had a success.
CREATE TABLE login_attempts (
    account      bytea NOT NULL CONSTRAINT login_attempts_account_sha256 CHECK (octet_length(account) = 32),
    address      text NOT NULL CONSTRAINT login_attempts_address_length CHECK (length(address) <= 45),
    -- Consecutive failures.
    failures     integer NOT NULL CONSTRAINT login_attempts_failures_not_negative CHECK (failures >= 0),
    -- Earliest time of the next attempt.
    retry_at     timestamptz,
    failed_at    timestamptz,
    succeeded_at timestamptz,
    PRIMARY KEY (account, address)
);
