-- What others may see of an account: a copy kept by the events of auth, to show hosts who asks.
CREATE TABLE people (
    id                uuid PRIMARY KEY,
    name              text NOT NULL,
    role              text NOT NULL,
    profile_image_url text,
    is_verified       boolean NOT NULL,
    joined_at         timestamptz,
    -- When auth told this; older news does not overwrite newer.
    as_of             timestamptz NOT NULL
);
