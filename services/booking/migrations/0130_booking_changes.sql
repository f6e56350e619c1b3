-- Changes of the terms of bookings: one side asks for one, the other one accepts. Rows stay, as those of their bookings.
CREATE TABLE booking_changes (
    -- Also the id of the hold at vehicle and of the charge at payment.
    id                  uuid PRIMARY KEY,
    booking_id          uuid NOT NULL REFERENCES bookings (id),
    -- Incremented by every update, which expects the version it has read.
    version             bigint NOT NULL CHECK (version > 0),
    kind                text NOT NULL CHECK (kind IN ('extension', 'shortening', 'vehicle_swap')),
    status              text NOT NULL
        CHECK (status IN ('requested', 'awaiting_payment', 'applied', 'declined', 'withdrawn', 'expired', 'payment_failed', 'cancelled')),
    requested_by        text NOT NULL CHECK (requested_by IN ('guest', 'host')),
    ends_at             timestamptz NOT NULL,
    -- When the change was asked for, as is the previous car.
    previous_ends_at    timestamptz NOT NULL,
    vehicle_id          uuid NOT NULL,
    previous_vehicle_id uuid NOT NULL,
    -- Price of the booking with the change, as domain/price.rs writes it, and the won that it rises by.
    price               jsonb NOT NULL,
    difference_krw      bigint NOT NULL,
    -- Of the side that asked, and of the other one.
    message             text,
    response            text,
    respond_by          timestamptz NOT NULL,
    payment_due_at      timestamptz,
    -- Of a swap, the other car: an encoded carshare.vehicle.v1.Vehicle. NULL once the account of the host is deleted.
    vehicle_snapshot    bytea,
    created_at          timestamptz NOT NULL,
    updated_at          timestamptz NOT NULL,

    CONSTRAINT booking_changes_alter_one_thing
        CHECK (CASE kind
               WHEN 'extension' THEN ends_at > previous_ends_at AND vehicle_id = previous_vehicle_id
               WHEN 'shortening' THEN ends_at < previous_ends_at AND vehicle_id = previous_vehicle_id
               ELSE ends_at = previous_ends_at AND vehicle_id <> previous_vehicle_id AND difference_krw = 0 END),
    CONSTRAINT booking_changes_charged_are_due
        CHECK ((payment_due_at IS NULL OR difference_krw > 0)
               AND (status NOT IN ('awaiting_payment', 'payment_failed') OR payment_due_at IS NOT NULL))
);

-- The lock of the booking decides; this is the second one.
CREATE UNIQUE INDEX booking_changes_one_open ON booking_changes (booking_id) WHERE status IN ('requested', 'awaiting_payment');
CREATE INDEX booking_changes_of_booking ON booking_changes (booking_id, created_at DESC, id DESC);
-- Deadlines.
CREATE INDEX booking_changes_to_answer ON booking_changes (respond_by) WHERE status = 'requested';
CREATE INDEX booking_changes_to_pay ON booking_changes (payment_due_at) WHERE status = 'awaiting_payment';

-- The open change of a booking, so that a transition of the booking needs no query for it; and what applied changes have charged and taken
-- off, as domain/booking/charges.rs writes it: NULL = nothing but the price. The previous release writes neither.
ALTER TABLE bookings ADD COLUMN open_change_id uuid, ADD COLUMN charges jsonb;

-- Returns the won refunded so far of all charges of a booking. The column refunded_krw has those of the first one.
CREATE FUNCTION refunded_of(first_krw bigint, charges jsonb) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
    SELECT first_krw + coalesce(sum((charge ->> 'refunded_krw')::bigint), 0)::bigint
    FROM jsonb_array_elements(charges -> 'further') charge
$$;

-- Whether the open change of a booking is the one of its changes that is open, and its charges and terms are those of the changes that have
-- applied. For the reconciler.
CREATE FUNCTION booking_changes_agree(booking uuid) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT b.open_change_id IS NOT DISTINCT FROM open.id
        AND coalesce((b.charges ->> 'lowered_krw')::bigint, 0) = applied.lowered_krw
        AND (SELECT coalesce(jsonb_object_agg(charge ->> 'id', charge -> 'amount_krw'), '{}')
             FROM jsonb_array_elements(b.charges -> 'further') charge) = applied.charged
        AND (last.id IS NULL OR (b.ends_at, b.vehicle_id, b.total_krw)
             = (last.ends_at, last.vehicle_id, (last.price ->> 'total_krw')::bigint))
    FROM bookings b
    LEFT JOIN booking_changes open ON open.booking_id = b.id AND open.status IN ('requested', 'awaiting_payment')
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(-difference_krw) FILTER (WHERE difference_krw < 0), 0) AS lowered_krw,
               coalesce(jsonb_object_agg(id, difference_krw) FILTER (WHERE difference_krw > 0), '{}') AS charged
        FROM booking_changes WHERE booking_id = b.id AND status = 'applied'
    ) applied
    LEFT JOIN LATERAL (
        SELECT * FROM booking_changes WHERE booking_id = b.id AND status = 'applied' ORDER BY created_at DESC, id DESC LIMIT 1
    ) last ON true
    WHERE b.id = booking
$$;
