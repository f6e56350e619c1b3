-- Copy of auth's public user profiles, for replies that show them. Maintained by carshare-profiles.
CREATE TABLE user_profiles (
    user_id     uuid PRIMARY KEY,
    -- Encoded carshare.auth.v1.UserProfile of the newest event.
    profile     bytea NOT NULL,
    -- Time of that event; an older event that arrives later is ignored.
    occurred_at timestamptz NOT NULL
);
