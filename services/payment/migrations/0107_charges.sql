-- Further charges of a booking: what a change of it adds to the price. The payment of the price has no charge id.
ALTER TABLE payments
    ADD COLUMN charge_id uuid,
    -- Total to refund while the booking goes on, because changes of it cost less. It never decreases.
    ADD COLUMN refund_due_krw bigint;

-- The release before this one inserts without naming the constraint. It is replaced by one that counts NULL as a value: a booking has one
-- payment of its price, and one of each further charge.
-- squawk-ignore ban-drop-constraint
ALTER TABLE payments DROP CONSTRAINT payments_booking_id_key;
-- A concurrent build would wait for the migrations of the other schemas.
-- squawk-ignore require-concurrent-index-creation, ban-new-write-restriction
CREATE UNIQUE INDEX payments_one_per_charge ON payments (booking_id, charge_id) NULLS NOT DISTINCT;

-- What a change of the booking refunds has its own origin.
-- squawk-ignore ban-drop-constraint
ALTER TABLE refunds DROP CONSTRAINT refunds_origin_check;
-- It allows all that the old one did.
-- squawk-ignore ban-new-write-restriction
ALTER TABLE refunds ADD CONSTRAINT refunds_origin CHECK (origin IN ('booking_end', 'booking_change', 'provider')) NOT VALID;

COMMENT ON TABLE closed_bookings IS
    'Bookings and changes of bookings that ended, by their ids: an approval or acceptance that is delivered later creates no payment.';
