-- Notifications of users. `seq` counts per user and is the cursor of the live stream. It comes from `feeds` under the user's
-- row lock, so that a higher number never becomes visible before a lower one.
CREATE TABLE feeds (
    user_id uuid PRIMARY KEY,
    last_seq bigint NOT NULL
);

CREATE TABLE notifications (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL,
    seq bigint NOT NULL,
    event_id uuid NOT NULL,
    kind text NOT NULL,
    title text NOT NULL,
    body text NOT NULL,
    data jsonb NOT NULL,
    read_at timestamptz,
    created_at timestamptz NOT NULL,
    CONSTRAINT notifications_once UNIQUE (event_id, user_id),
    CONSTRAINT notifications_feed UNIQUE (user_id, seq)
);
CREATE INDEX notifications_created_at ON notifications (created_at);
