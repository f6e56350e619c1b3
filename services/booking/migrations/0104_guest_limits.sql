-- Live bookings of a guest: those of the limits below. It replaces the index of the open ones.
CREATE INDEX bookings_live_of_guest ON bookings (guest_id) WHERE status IN ('pending', 'approved', 'active');
DROP INDEX bookings_open_of_guest;

-- Counts the live bookings of a guest, under the lock of lock_open_requests, which the previous release still calls: those that are not
-- answered or not paid, and those that overlap a period. A function, because its query sees what was committed while the lock was waited
-- for.
CREATE FUNCTION lock_live_bookings(guest uuid, rental tstzrange) RETURNS TABLE (open bigint, overlapping bigint) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended(current_schema() || '.open_requests.' || guest, 0));
    RETURN QUERY
        SELECT count(*) FILTER (WHERE status = 'pending' OR status = 'approved' AND payment_status = 'pending'),
               count(*) FILTER (WHERE tstzrange(starts_at, ends_at) && rental)
        FROM bookings WHERE guest_id = guest AND status IN ('pending', 'approved', 'active');
END $$;
