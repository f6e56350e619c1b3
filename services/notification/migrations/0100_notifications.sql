-- What people were told. `seq` counts per person and is the cursor of the live stream: it is taken from `feeds` under that
-- person's row lock, so a higher number never becomes visible before a lower one.
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
