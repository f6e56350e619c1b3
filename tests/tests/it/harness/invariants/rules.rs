//! Rules that the reconciler does not have, as SQL queries that list breaches.

/// A rule and the query that lists its breaches.
pub(super) struct Rule {
    pub(super) name: &'static str,
    pub(super) sql: &'static str,
}

pub(super) const RULES: [Rule; 6] = [
    Rule {
        name: "no two occupancies of a car overlap",
        sql: "SELECT a.ref_id || ' and ' || b.ref_id FROM vehicle.occupancies a JOIN vehicle.occupancies b \
              ON a.vehicle_id = b.vehicle_id AND a.ref_id < b.ref_id AND a.period && b.period",
    },
    Rule {
        name: "every booking has a complete status history",
        sql: "SELECT b.id::text FROM booking.bookings b LEFT JOIN booking.status_history h ON h.booking_id = b.id \
              GROUP BY b.id HAVING count(h.*) <> b.version",
    },
    Rule {
        name: "every coupon counts its redemptions",
        sql: "SELECT c.code FROM booking.coupons c LEFT JOIN booking.coupon_redemptions r \
              ON r.code = c.code AND r.released_at IS NULL GROUP BY c.code HAVING count(r.*) <> c.redeemed",
    },
    Rule {
        name: "every event was consumed",
        sql: "SELECT o.source || ' ' || o.key FROM \
              (SELECT 'auth' AS source, * FROM auth.event_sequences \
               UNION ALL SELECT 'vehicle', * FROM vehicle.event_sequences \
               UNION ALL SELECT 'booking', * FROM booking.event_sequences \
               UNION ALL SELECT 'payment', * FROM payment.event_sequences) o \
              LEFT JOIN notification.inbox_cursors c USING (source, key) \
              WHERE c.handled_seq IS DISTINCT FROM o.last_seq",
    },
    Rule {
        name: "no event of a booking is repeated",
        // A booking may have several refunds, changes and claims, and a further payment for each change and claim.
        sql: "SELECT name || ' ' || key FROM \
              (SELECT name, key FROM booking.outbox UNION ALL SELECT name, key FROM payment.outbox) o \
              WHERE name NOT IN ('payment.refunded', 'payment.requested') AND name NOT LIKE 'booking.change\\_%' AND name NOT LIKE 'booking.claim\\_%' \
              AND name NOT LIKE 'payment.charge\\_%' GROUP BY name, key HAVING count(*) > 1",
    },
    Rule {
        name: "no notification is repeated",
        // A charge may have several refunds; each event has one notification by a constraint.
        sql: "SELECT user_id || ' ' || kind || ' ' || (data->>'booking_id') FROM notification.notifications \
              WHERE data ? 'booking_id' AND kind NOT IN ('payment.refunded', 'payment.charge_refunded') \
              GROUP BY user_id, kind, data->>'booking_id', data->>'change_id', data->>'claim_id', data->>'payment_id' HAVING count(*) > 1",
    },
];
