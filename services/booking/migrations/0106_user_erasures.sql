-- Deleted accounts in whose bookings something is left to erase. A job deletes the row after the last booking.
CREATE TABLE user_erasures (
    user_id           uuid        NOT NULL,
    -- As which the account is in the bookings.
    party             text        NOT NULL CHECK (party IN ('guest', 'host')),
    deleted_at        timestamptz NOT NULL,
    -- Time and id of the last booking that is erased, newest first; NULL = none.
    erased_created_at timestamptz,
    erased_id         uuid,

    PRIMARY KEY (user_id, party),
    CHECK ((erased_created_at IS NULL) = (erased_id IS NULL))
);
