-- Users who can neither book nor be booked, because their account is deleted. An attempt to close a user is decided once; one that is older
-- than a decided attempt closes nothing.
CREATE TABLE user_closings (
    user_id   uuid PRIMARY KEY,
    -- The newest decided attempt.
    attempt   bigint NOT NULL CHECK (attempt > 0),
    -- NULL while no attempt has closed the user.
    closed_at timestamptz
);

-- Refuses the bookings of a closed guest or host, whoever inserts them, the previous release too. A closing holds the lock exclusively: it
-- waits for insertions in progress and sees their bookings, and later insertions see it.
CREATE FUNCTION refuse_closed_users() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(hashtextextended(current_schema() || '.closing.' || NEW.guest_id, 0)),
            pg_advisory_xact_lock_shared(hashtextextended(current_schema() || '.closing.' || NEW.host_id, 0));
    IF EXISTS (SELECT FROM user_closings WHERE user_id = NEW.guest_id AND closed_at IS NOT NULL) THEN
        RAISE EXCEPTION 'the guest is closed' USING ERRCODE = 'check_violation', CONSTRAINT = 'bookings_guest_not_closed';
    END IF;
    IF EXISTS (SELECT FROM user_closings WHERE user_id = NEW.host_id AND closed_at IS NOT NULL) THEN
        RAISE EXCEPTION 'the host is closed' USING ERRCODE = 'check_violation', CONSTRAINT = 'bookings_host_not_closed';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER bookings_of_users_not_closed BEFORE INSERT ON bookings FOR EACH ROW EXECUTE FUNCTION refuse_closed_users();
