-- Tables of every service's schema besides its own. Times come from the service's injected clock.

-- Events appended by transactions and sent to the service's Redis Stream by its relay. Sent rows are kept for a day, so
-- that they can be sent again when Redis has lost them.
CREATE TABLE outbox (
    -- Order of sending. Transactions on one aggregate lock its row, so for one key it is the order of commits too.
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id uuid NOT NULL,
    name text NOT NULL,
    key text NOT NULL,
    occurred_at timestamptz NOT NULL,
    correlation_id text NOT NULL,
    traceparent text,
    data bytea NOT NULL,
    sent_at timestamptz,
    -- The entry's id in the stream, `<ms>-<n>`.
    stream_ms bigint,
    stream_n bigint,
    CONSTRAINT outbox_sent_has_entry_id CHECK (num_nulls(sent_at, stream_ms, stream_n) IN (0, 3))
);
CREATE INDEX outbox_unsent ON outbox (seq) WHERE sent_at IS NULL;
CREATE INDEX outbox_entry_id ON outbox (stream_ms, stream_n) WHERE sent_at IS NOT NULL;
CREATE INDEX outbox_sent_at ON outbox (sent_at) WHERE sent_at IS NOT NULL;

-- Notifies the relay at commit. The channel is named after the schema, because channels belong to the whole database.
CREATE FUNCTION outbox_notify() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('outbox.' || TG_TABLE_SCHEMA, '');
    RETURN NULL;
END $$;
CREATE TRIGGER outbox_notify AFTER INSERT ON outbox FOR EACH STATEMENT EXECUTE FUNCTION outbox_notify();

-- Events whose effect is committed, by consumer.
CREATE TABLE inbox (
    consumer text NOT NULL,
    event_id uuid NOT NULL,
    name text NOT NULL,
    handled_at timestamptz NOT NULL,
    PRIMARY KEY (consumer, event_id)
);
CREATE INDEX inbox_handled_at ON inbox (handled_at);

-- Stored replies of idempotent calls, by caller, method and key.
CREATE TABLE idempotency (
    caller text NOT NULL,
    method text NOT NULL,
    key text NOT NULL,
    request_hash bytea NOT NULL,
    -- Id of the resource that the call creates: the same in every repeat, also before there is a reply.
    work_id uuid NOT NULL,
    -- The encoded reply; null until the call has succeeded.
    reply bytea,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (caller, method, key)
);
CREATE INDEX idempotency_expires_at ON idempotency (expires_at);

-- Periodic jobs that one process runs at a time.
CREATE TABLE leases (
    name text PRIMARY KEY,
    -- Process that runs the job, until expires_at; null when none does.
    owner uuid,
    expires_at timestamptz NOT NULL,
    -- Next due time.
    due_at timestamptz NOT NULL
);
