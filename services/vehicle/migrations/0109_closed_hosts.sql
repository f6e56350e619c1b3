-- Hosts whose account was deleted. They register no car any more; a job withdraws and erases those they have.
CREATE TABLE closed_hosts (
    user_id   uuid PRIMARY KEY,
    closed_at timestamptz NOT NULL,
    -- When their last car was erased.
    erased_at timestamptz
);
CREATE INDEX closed_hosts_to_erase ON closed_hosts (closed_at) WHERE erased_at IS NULL;
-- An erased car has no plate.
CREATE INDEX vehicles_to_erase ON vehicles (owner_id, id) WHERE license_plate <> '';

-- Refuses cars of closed hosts, whoever inserts them, the previous release too. A closing holds the lock exclusively: it waits for
-- insertions in progress, so that the job finds their cars, and later insertions see it.
CREATE FUNCTION refuse_closed_hosts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(hashtextextended(current_schema() || '.closed_hosts.' || NEW.owner_id, 0));
    IF EXISTS (SELECT FROM closed_hosts WHERE user_id = NEW.owner_id) THEN
        RAISE EXCEPTION 'the host is closed' USING ERRCODE = 'check_violation', CONSTRAINT = 'vehicles_owner_not_closed';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER vehicles_of_open_hosts BEFORE INSERT ON vehicles FOR EACH ROW EXECUTE FUNCTION refuse_closed_hosts();
