-- Bookings with the terms agreed when they were made, which later changes of rates, fees and policies do not affect.
CREATE TABLE bookings (
    id                   uuid PRIMARY KEY,
    -- Incremented by every update, which expects the version it has read.
    version              bigint NOT NULL CHECK (version > 0),
    vehicle_id           uuid NOT NULL,
    guest_id             uuid NOT NULL,
    host_id              uuid NOT NULL,
    starts_at            timestamptz NOT NULL,
    ends_at              timestamptz NOT NULL,
    -- The terms: price in won, refund policy in seconds before the start and basis points.
    hourly_rate_krw      bigint NOT NULL CHECK (hourly_rate_krw > 0),
    total_krw            bigint NOT NULL CHECK (total_krw > 0),
    platform_fee_krw     bigint NOT NULL,
    refund_full_until_s  integer NOT NULL CHECK (refund_full_until_s >= refund_part_until_s),
    refund_part_until_s  integer NOT NULL CHECK (refund_part_until_s >= 0),
    refund_part_bps      integer NOT NULL CHECK (refund_part_bps BETWEEN 0 AND 10000),
    -- The car when it was booked: an encoded carshare.vehicle.v1.Vehicle.
    vehicle_snapshot     bytea NOT NULL,
    status               text NOT NULL
        CHECK (status IN ('pending', 'approved', 'rejected', 'active', 'completed', 'cancelled')),
    payment_status       text NOT NULL
        CHECK (payment_status IN ('none', 'pending', 'failed', 'paid', 'refunded')),
    guest_message        text,
    host_response        text,
    respond_by           timestamptz NOT NULL,
    payment_due_at       timestamptz,
    confirmed_at         timestamptz,
    cancellation_reason  text
        CHECK (cancellation_reason IN ('guest', 'host', 'expired', 'payment_failed', 'payment_overdue', 'hold_lost', 'no_show')),
    cancellation_message text,
    refund_krw           bigint,
    cancelled_at         timestamptz,
    -- Won refunded so far, whoever asked for it.
    refunded_krw         bigint NOT NULL DEFAULT 0 CHECK (refunded_krw >= 0),
    created_at           timestamptz NOT NULL,
    updated_at           timestamptz NOT NULL,

    CONSTRAINT bookings_period_forward CHECK (starts_at < ends_at),
    -- Second lock besides the calendar of vehicle.
    CONSTRAINT bookings_one_per_car EXCLUDE USING gist (vehicle_id WITH =, tstzrange(starts_at, ends_at) WITH &&)
        WHERE (status IN ('pending', 'approved', 'active')),
    CONSTRAINT bookings_two_sides CHECK (guest_id <> host_id),
    CONSTRAINT bookings_fee_within_total CHECK (platform_fee_krw BETWEEN 0 AND total_krw),
    -- Repeat what the transitions guarantee, so that a defect is not stored.
    CONSTRAINT bookings_unapproved_owe_nothing
        CHECK (status NOT IN ('pending', 'rejected') OR payment_status = 'none'),
    CONSTRAINT bookings_approved_are_due_or_confirmed
        CHECK (status <> 'approved' OR payment_due_at IS NOT NULL AND payment_status IN ('pending', 'paid')
               AND (payment_status = 'paid') = (confirmed_at IS NOT NULL)),
    CONSTRAINT bookings_handed_over_are_confirmed
        CHECK (status NOT IN ('active', 'completed') OR confirmed_at IS NOT NULL),
    CONSTRAINT bookings_cancelled_have_a_reason
        CHECK ((status = 'cancelled') = (cancelled_at IS NOT NULL)
               AND (cancelled_at IS NULL) = (cancellation_reason IS NULL)
               AND (cancelled_at IS NULL) = (refund_krw IS NULL)),
    CONSTRAINT bookings_refund_within_total CHECK (refund_krw BETWEEN 0 AND total_krw)
);

-- Lists, newest first: of a guest, of a host, and of all bookings.
CREATE INDEX bookings_of_guest ON bookings (guest_id, created_at DESC, id DESC);
CREATE INDEX bookings_of_host ON bookings (host_id, created_at DESC, id DESC);
CREATE INDEX bookings_newest ON bookings (created_at DESC, id DESC);
-- Open requests of a guest.
CREATE INDEX bookings_open_of_guest ON bookings (guest_id)
    WHERE status = 'pending' OR status = 'approved' AND payment_status = 'pending';
-- Deadlines.
CREATE INDEX bookings_to_expire ON bookings (respond_by) WHERE status = 'pending';
CREATE INDEX bookings_to_pay ON bookings (payment_due_at) WHERE status = 'approved' AND payment_status = 'pending';
CREATE INDEX bookings_to_end ON bookings (ends_at) WHERE status IN ('approved', 'active');

-- Counts the requests of a guest that are not answered or not paid, under a lock of the guest until the transaction ends: of
-- two concurrent requests the second counts the first. A function, because its query sees what was committed while the lock
-- was waited for.
CREATE FUNCTION lock_open_requests(guest uuid) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended(current_schema() || '.open_requests.' || guest, 0));
    RETURN (SELECT count(*) FROM bookings
            WHERE guest_id = guest AND (status = 'pending' OR status = 'approved' AND payment_status = 'pending'));
END $$;
