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
);

CREATE INDEX occupancies_expiring ON occupancies (expires_at) WHERE expires_at IS NOT NULL;

-- Bookings that have released their car. Late or repeated events of them do not take it again. Kept indefinitely, because
-- an event can be late without bound.
CREATE TABLE released_bookings (
    booking_id  uuid PRIMARY KEY,
    released_at timestamptz NOT NULL
);

-- Past occupancies are deleted.
CREATE INDEX occupancies_ended ON occupancies (upper(period));
