-- Devices that receive pushes. A token belongs to the account that registered it last.
CREATE TABLE devices (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL,
    token text NOT NULL,
    -- Tokens can exceed the size of a B-tree entry, so uniqueness is on the hash.
    token_sha256 bytea NOT NULL CONSTRAINT devices_token UNIQUE,
    platform text NOT NULL CHECK (platform IN ('ios', 'android', 'web')),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE INDEX devices_user ON devices (user_id);

-- Pushes of a notification to a device.
CREATE TABLE deliveries (
    id uuid PRIMARY KEY,
    notification_id uuid NOT NULL REFERENCES notifications (id) ON DELETE CASCADE,
    device_id uuid NOT NULL,
    state text NOT NULL CHECK (state IN ('pending', 'sent', 'dropped')),
    attempts integer NOT NULL DEFAULT 0,
    next_attempt_at timestamptz NOT NULL,
    outcome text,
    updated_at timestamptz NOT NULL,
    CONSTRAINT deliveries_once UNIQUE (notification_id, device_id)
);
CREATE INDEX deliveries_finished ON deliveries (updated_at) WHERE state <> 'pending';
CREATE INDEX deliveries_due ON deliveries (next_attempt_at) WHERE state = 'pending';
