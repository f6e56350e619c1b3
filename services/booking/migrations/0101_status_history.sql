-- Every change of a booking. Rows are only added.
CREATE TABLE status_history (
    booking_id     uuid NOT NULL REFERENCES bookings (id),
    -- Version of the booking after the change.
    version        bigint NOT NULL,
    -- Null for the request.
    from_status    text,
    to_status      text NOT NULL,
    payment_status text NOT NULL,
    actor          text NOT NULL CHECK (actor IN ('guest', 'host', 'timer', 'payment', 'vehicle')),
    -- Account of a guest or host.
    actor_id       uuid,
    changed_at     timestamptz NOT NULL,

    PRIMARY KEY (booking_id, version),
    CONSTRAINT status_history_person_is_named CHECK ((actor IN ('guest', 'host')) = (actor_id IS NOT NULL))
);
