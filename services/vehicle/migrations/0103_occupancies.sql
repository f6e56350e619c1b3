-- The calendar of every car. The exclusion constraint makes an overlap impossible.
CREATE TABLE occupancies (
    -- Id of the booking, also for its hold.
    ref_id     uuid PRIMARY KEY,
    vehicle_id uuid NOT NULL REFERENCES vehicles (id),
    period     tstzrange NOT NULL,
    kind       text NOT NULL CHECK (kind IN ('hold', 'booking')),
    expires_at timestamptz,
    created_at timestamptz NOT NULL,
    CONSTRAINT occupancies_no_overlap EXCLUDE USING gist (vehicle_id WITH =, period WITH &&),
    CONSTRAINT occupancies_only_holds_expire CHECK ((kind = 'hold') = (expires_at IS NOT NULL)),
    -- An empty range overlaps nothing, an infinite one everything.
    CONSTRAINT occupancies_period_is_half_open CHECK (
        NOT isempty(period) AND lower_inc(period) AND NOT upper_inc(period)
        AND NOT lower_inf(period) AND NOT upper_inf(period)
    )
) WITH (fillfactor = 80);

-- No index has `kind` or `expires_at`, and pages have room: the confirmation of a hold writes no index.

-- Search: occupancies of a car do not overlap, so the first live one that ends after the start of a period decides.
CREATE INDEX occupancies_next ON occupancies (vehicle_id, upper(period));
-- Expired holds and past occupancies are deleted. Not by the end of the period: search must not have the choice of such an
-- index.
CREATE INDEX occupancies_created ON occupancies (created_at);

-- Bookings that have released their car. Late or repeated events of them do not take it again. Kept indefinitely, because
-- an event can be late without bound.
CREATE TABLE released_bookings (
    booking_id  uuid PRIMARY KEY,
    released_at timestamptz NOT NULL
);

-- Functions, because each of their statements sees what was committed while a lock was waited for. `place_hold` and
-- `release_booking` lock the car first, so that a hold is placed before the release of its booking, which deletes it, or sees
-- the release.

-- Places a hold that was decided on at this revision of the car, and returns whether it did: not if the car or its opening
-- hours changed since then, the booking released the car, or an occupancy is in the way, be it an expired hold.
CREATE FUNCTION place_hold(
    booking uuid, car uuid, decided_at_revision bigint, during tstzrange, expiry timestamptz, placed_at timestamptz
) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM vehicles WHERE id = car AND revision = decided_at_revision FOR NO KEY UPDATE;
    IF NOT FOUND OR EXISTS (SELECT FROM released_bookings WHERE booking_id = booking) THEN
        RETURN false;
    END IF;
    INSERT INTO occupancies (ref_id, vehicle_id, period, kind, expires_at, created_at)
    VALUES (booking, car, during, 'hold', expiry, placed_at)
    ON CONFLICT DO NOTHING;
    RETURN FOUND;
END $$;

-- Turns the hold of a booking into a booking, an expired hold only if `with_expired`. Returns whether the booking takes the car
-- now, also if it did before; not if it has released the car, which deletes its hold.
CREATE FUNCTION confirm_hold(booking uuid, with_expired boolean, confirmed_at timestamptz)
RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    UPDATE occupancies SET kind = 'booking', expires_at = NULL
    WHERE ref_id = booking AND kind = 'hold' AND (expires_at > confirmed_at OR with_expired);
    RETURN FOUND OR EXISTS (SELECT FROM occupancies WHERE ref_id = booking AND kind = 'booking')
        AND NOT EXISTS (SELECT FROM released_bookings WHERE booking_id = booking);
END $$;

-- Records that a booking has released its car, and deletes its occupancy from `ended` on: all of it if that is null.
CREATE FUNCTION release_booking(booking uuid, car uuid, ended timestamptz, recorded_at timestamptz)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM vehicles WHERE id = car FOR NO KEY UPDATE;
    INSERT INTO released_bookings (booking_id, released_at) VALUES (booking, recorded_at) ON CONFLICT DO NOTHING;
    DELETE FROM occupancies WHERE ref_id = booking AND (ended IS NULL OR lower(period) >= ended);
    UPDATE occupancies SET period = tstzrange(lower(period), ended) WHERE ref_id = booking AND upper(period) > ended;
END $$;
