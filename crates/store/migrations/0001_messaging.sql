-- Tables of every service's schema besides its own.

-- Publishing -----------------------------------------------------------------------------------------------------

-- The number of the last event of each key. The row is locked until the publishing transaction ends, so the numbers of a
-- key have no gap and follow the order of commits. Kept indefinitely: consumers compare with them.
CREATE TABLE event_sequences (
    key      text PRIMARY KEY,
    last_seq bigint NOT NULL
);

-- Published events. Kept for a week and for as long as a reader has not got past them (`outbox_readers`).
CREATE TABLE outbox (
    -- Order of insertion, which for one key is the order of `key_seq`.
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id uuid NOT NULL,
    name text NOT NULL,
    key text NOT NULL,
    -- Number of the event among those of its key, from 1.
    key_seq bigint NOT NULL,
    occurred_at timestamptz NOT NULL,
    correlation_id text NOT NULL,
    traceparent text,
    data bytea NOT NULL,
    -- Place in the log, in the order in which commits became visible; null until the relay has seen the row.
    position bigint,
    relayed_at timestamptz,
    CONSTRAINT outbox_relayed_has_position CHECK ((position IS NULL) = (relayed_at IS NULL))
);
CREATE UNIQUE INDEX outbox_key_seq ON outbox (key, key_seq);
CREATE UNIQUE INDEX outbox_position ON outbox (position) WHERE position IS NOT NULL;
CREATE INDEX outbox_unrelayed ON outbox (seq) WHERE position IS NULL;

CREATE SEQUENCE outbox_positions;

-- Gives the oldest `batch` events without one their position, and returns them. One statement of one transaction: a
-- process that hangs cannot hold the lock. The lock makes positions become visible in their order, so a reader that has
-- read up to a position has missed nothing below it.
CREATE FUNCTION relay_outbox(batch integer) RETURNS SETOF outbox LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('outbox.' || current_schema(), 0));
    RETURN QUERY
        WITH numbered AS MATERIALIZED (
            SELECT oldest.seq, nextval('outbox_positions') AS position
            FROM (SELECT seq FROM outbox WHERE position IS NULL ORDER BY seq LIMIT batch) AS oldest
        )
        UPDATE outbox SET position = numbered.position, relayed_at = clock_timestamp()
        FROM numbered WHERE outbox.seq = numbered.seq
        RETURNING outbox.*;
END $$;

-- Notifies the relays at commit. The channel is named after the schema, because channels belong to the whole database.
CREATE FUNCTION outbox_notify() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('outbox.' || TG_TABLE_SCHEMA, '');
    RETURN NULL;
END $$;
CREATE TRIGGER outbox_notify AFTER INSERT ON outbox FOR EACH STATEMENT EXECUTE FUNCTION outbox_notify();

-- How far each consuming service has filed this log, by its own account.
CREATE TABLE outbox_readers (
    name     text PRIMARY KEY,
    position bigint NOT NULL,
    seen_at  timestamptz NOT NULL
);

-- Consuming ------------------------------------------------------------------------------------------------------

-- How far the log of each publisher was read: every event up to this position is filed or handled.
CREATE TABLE inbox_positions (
    source   text PRIMARY KEY,
    position bigint NOT NULL
);

-- The number of the last handled event of each key. Its row is locked while an event of the key is handled: one at a
-- time, in order. Kept indefinitely: an event is a duplicate when its number is not higher.
CREATE TABLE inbox_cursors (
    source      text NOT NULL,
    key         text NOT NULL,
    handled_seq bigint NOT NULL,
    PRIMARY KEY (source, key)
);

-- Filed events: those that could not be handled as they arrived, because an earlier one of their key is missing, failed
-- or in progress. Handled ones are deleted; dead letters stay until an operator decides.
CREATE TABLE inbox (
    source text NOT NULL,
    key text NOT NULL,
    key_seq bigint NOT NULL,
    id uuid NOT NULL,
    name text NOT NULL,
    occurred_at timestamptz NOT NULL,
    correlation_id text NOT NULL,
    traceparent text,
    data bytea NOT NULL,
    filed_at timestamptz NOT NULL,
    -- Failed attempts, without those that PostgreSQL's own trouble ended.
    attempts integer NOT NULL DEFAULT 0,
    -- Next attempt, once its turn has come.
    due_at timestamptz NOT NULL,
    -- Cause of the last failure. Internal text.
    error text,
    -- Set when the attempts are exhausted: a dead letter, which holds back its key.
    dead_at timestamptz,
    PRIMARY KEY (source, key, key_seq)
);
CREATE INDEX inbox_due ON inbox (due_at) WHERE dead_at IS NULL;
CREATE UNIQUE INDEX inbox_id ON inbox (id);

-- Calls and jobs -------------------------------------------------------------------------------------------------

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

-- Periodic jobs: each run is claimed by one process, by moving the due time.
CREATE TABLE schedules (
    name   text PRIMARY KEY,
    due_at timestamptz NOT NULL
);

-- One row per process, written by its readiness check: proof that this database takes writes.
CREATE TABLE processes (
    id      uuid PRIMARY KEY,
    seen_at timestamptz NOT NULL
);
