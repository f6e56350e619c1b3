-- What every service's schema holds besides its own tables. Times come from the service's injected clock.

-- Events appended by a transaction, sent to the service's Redis Stream by its relay. Sent rows stay for a day, so that
-- they can be sent again when Redis has lost them.
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
    CONSTRAINT outbox_sent_has_place CHECK (num_nulls(sent_at, stream_ms, stream_n) IN (0, 3))
);
CREATE INDEX outbox_unsent ON outbox (seq) WHERE sent_at IS NULL;
CREATE INDEX outbox_place ON outbox (stream_ms, stream_n) WHERE sent_at IS NOT NULL;
CREATE INDEX outbox_sent_at ON outbox (sent_at) WHERE sent_at IS NOT NULL;

-- Wakes the relay at commit. The channel is named by the schema, for channels belong to the whole database.
CREATE FUNCTION outbox_wake() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('outbox.' || TG_TABLE_SCHEMA, '');
    RETURN NULL;
END $$;
CREATE TRIGGER outbox_wake AFTER INSERT ON outbox FOR EACH STATEMENT EXECUTE FUNCTION outbox_wake();

-- Events whose effect is in the database already, by consumer.
CREATE TABLE inbox (
    consumer text NOT NULL,
    event_id uuid NOT NULL,
    name text NOT NULL,
    handled_at timestamptz NOT NULL,
    PRIMARY KEY (consumer, event_id)
);
CREATE INDEX inbox_handled_at ON inbox (handled_at);

-- Replies kept for repeats of a call, by who called what with which key.
CREATE TABLE idempotency (
    caller text NOT NULL,
    method text NOT NULL,
    key text NOT NULL,
    request_hash bytea NOT NULL,
    -- The id for what the call makes: the same in every repeat, also before there is a reply.
    work_id uuid NOT NULL,
    -- The encoded reply; null while the work is not done.
    reply bytea,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (caller, method, key)
);
CREATE INDEX idempotency_expires_at ON idempotency (expires_at);

-- Periodic work that only one process does at a time.
CREATE TABLE leases (
    name text PRIMARY KEY,
    -- Who is at it, and until when that counts; null when nobody is.
    owner uuid,
    expires_at timestamptz NOT NULL,
    -- When it is to be done next.
    due_at timestamptz NOT NULL
);
