-- A copy of auth's public user profiles, for answers that show them. Kept by carshare-profiles.
CREATE TABLE user_profiles (
    user_id     uuid PRIMARY KEY,
    -- carshare.auth.v1.UserProfile, as the newest event carried it.
    profile     bytea NOT NULL,
    -- Time of that event: an older one that arrives later is ignored.
    occurred_at timestamptz NOT NULL
);
