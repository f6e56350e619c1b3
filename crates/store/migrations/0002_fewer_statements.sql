-- Calls: the row is inserted with its reply at the end of the work, under a lock of the key. The id of the resource is
-- derived from the call.
DELETE FROM idempotency WHERE reply IS NULL;
ALTER TABLE idempotency DROP COLUMN work_id;
ALTER TABLE idempotency ALTER COLUMN reply SET NOT NULL;

-- Locks the key of a call until the transaction ends, then reads its row. A function, because the row may have been
-- committed while the lock was waited for: its second statement sees that, the rest of a single one would not.
CREATE FUNCTION lock_idempotency_key(lock bigint, of_caller text, of_method text, of_key text, now timestamptz)
RETURNS TABLE (request_hash bytea, reply bytea) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(lock);
    RETURN QUERY
        SELECT i.request_hash, i.reply FROM idempotency i
        WHERE i.caller = of_caller AND i.method = of_method AND i.key = of_key AND i.expires_at > now;
END $$;

-- Events: commits that notify wait for each other, up to and including the write of their log. The publishing process
-- notifies the relays after its commit instead.
DROP TRIGGER outbox_notify ON outbox;
DROP FUNCTION outbox_notify();
