-- A copy of what others may see of an account, kept by the events of the auth service.
CREATE TABLE people (
    id                uuid PRIMARY KEY,
    name              text NOT NULL,
    role              text NOT NULL CHECK (role IN ('guest', 'host', 'admin')),
    profile_image_url text,
    is_verified       boolean NOT NULL,
    created_at        timestamptz,
    -- When the event happened that this copy is from: an older one that arrives late changes nothing.
    told_at           timestamptz NOT NULL
);
