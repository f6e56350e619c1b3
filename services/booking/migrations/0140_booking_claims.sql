-- Claims of hosts against guests after rentals, and the fees of late returns. Rows stay, as those of their bookings.
CREATE TABLE booking_claims (
    -- Also the id of the charge at payment.
    id              uuid PRIMARY KEY,
    booking_id      uuid NOT NULL REFERENCES bookings (id),
    -- As of the booking.
    guest_id        uuid NOT NULL,
    host_id         uuid NOT NULL,
    -- Incremented by every update, which expects the version it has read.
    version         bigint NOT NULL CHECK (version > 0),
    kind            text NOT NULL CHECK (kind IN ('damage', 'late_return')),
    status          text NOT NULL
        CHECK (status IN ('open', 'objected', 'awaiting_payment', 'paid', 'payment_failed', 'withdrawn', 'rejected')),
    claimed_krw     bigint NOT NULL CHECK (claimed_krw > 0),
    approved_krw    bigint CHECK (approved_krw BETWEEN 1 AND claimed_krw),
    -- Text of the host. NULL for a late return that the system noticed.
    description     text,
    -- Hashes of entries of the handover, in hexadecimal, as a JSON array.
    evidence        jsonb NOT NULL CHECK (jsonb_typeof(evidence) = 'array'),
    -- Of a late return that the system noticed.
    returned_at     timestamptz,
    -- Text of the guest.
    objection       text,
    objected_at     timestamptz,
    -- Text of the admin who decided.
    decision_reason text,
    decided_by      uuid,
    decided_at      timestamptz,
    object_by       timestamptz NOT NULL,
    payment_due_at  timestamptz,
    refunded_krw    bigint NOT NULL DEFAULT 0 CHECK (refunded_krw >= 0),
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,

    CONSTRAINT booking_claims_have_evidence CHECK (returned_at IS NOT NULL OR jsonb_array_length(evidence) > 0),
    CONSTRAINT booking_claims_approved_are_due
        CHECK ((approved_krw IS NULL) = (payment_due_at IS NULL)
               AND (approved_krw IS NOT NULL) = (status IN ('awaiting_payment', 'paid', 'payment_failed'))),
    -- After an objection only an admin can approve it.
    CONSTRAINT booking_claims_objected_are_decided
        CHECK ((decided_at IS NULL) = (decided_by IS NULL)
               AND (status NOT IN ('objected', 'rejected') OR objected_at IS NOT NULL)
               AND (status <> 'rejected' OR decided_at IS NOT NULL)
               AND (objected_at IS NULL OR approved_krw IS NULL OR decided_at IS NOT NULL))
);

CREATE INDEX booking_claims_of_booking ON booking_claims (booking_id, created_at DESC, id DESC);
-- Those that an admin has to decide about, and deadlines.
CREATE INDEX booking_claims_objected ON booking_claims (created_at, id) WHERE status = 'objected';
CREATE INDEX booking_claims_to_object ON booking_claims (object_by) WHERE status = 'open';
CREATE INDEX booking_claims_to_pay ON booking_claims (payment_due_at) WHERE status = 'awaiting_payment';
-- Those that keep an account open.
CREATE INDEX booking_claims_open_of_guest ON booking_claims (guest_id) WHERE status IN ('open', 'objected', 'awaiting_payment');
CREATE INDEX booking_claims_open_of_host ON booking_claims (host_id) WHERE status IN ('open', 'objected', 'awaiting_payment');

-- As bookings: none is inserted of a deleted account.
CREATE TRIGGER booking_claims_of_users_not_closed BEFORE INSERT ON booking_claims
    FOR EACH ROW EXECUTE FUNCTION refuse_closed_users();

-- An admin decides about claims.
-- squawk-ignore ban-drop-constraint
ALTER TABLE status_history DROP CONSTRAINT status_history_actor_check;
-- It allows all that the old one did.
-- squawk-ignore ban-new-write-restriction
ALTER TABLE status_history ADD CONSTRAINT status_history_actor
    CHECK (actor IN ('guest', 'host', 'timer', 'payment', 'vehicle', 'admin')) NOT VALID;
