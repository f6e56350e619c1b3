-- Every change of a booking: what it became, when, and by whom. Rows are only ever added.
CREATE TABLE status_history (
    booking_id     uuid NOT NULL REFERENCES bookings (id),
    -- The version of the booking that this change made.
    version        bigint NOT NULL,
    -- Null for the request itself.
    from_status    text,
    to_status      text NOT NULL,
    payment_status text NOT NULL,
    actor          text NOT NULL CHECK (actor IN ('guest', 'host', 'timer', 'payment', 'vehicle')),
    -- The account, when a person did it.
    actor_id       uuid,
    changed_at     timestamptz NOT NULL,

    PRIMARY KEY (booking_id, version),
    CONSTRAINT status_history_person_is_named CHECK ((actor IN ('guest', 'host')) = (actor_id IS NOT NULL))
);
