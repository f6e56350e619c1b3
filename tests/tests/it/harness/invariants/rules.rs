//! Rules as SQL queries that list breaches.

/// A rule and the query that lists its breaches.
pub(super) struct Rule {
    pub(super) name: &'static str,
    pub(super) sql: &'static str,
}

pub(super) const RULES: [Rule; 12] = [
    Rule {
        name: "every occupancy belongs to a live booking",
        sql: "SELECT o.ref_id || ' (' || o.kind || ')' FROM vehicle.occupancies o \
              LEFT JOIN booking.bookings b ON b.id = o.ref_id AND b.vehicle_id = o.vehicle_id \
              WHERE o.kind <> 'booking' OR b.id IS NULL OR NOT \
                (b.status IN ('pending', 'approved', 'active') AND o.period = tstzrange(b.starts_at, b.ends_at) \
                 OR b.status = 'completed' AND o.period <@ tstzrange(b.starts_at, b.ends_at))",
    },
    Rule {
        name: "every live booking has an occupancy",
        sql: "SELECT b.id::text FROM booking.bookings b WHERE b.status IN ('pending', 'approved', 'active') \
              AND NOT EXISTS (SELECT FROM vehicle.occupancies o WHERE o.ref_id = b.id)",
    },
    Rule {
        name: "no two occupancies of a car overlap",
        sql: "SELECT a.ref_id || ' and ' || b.ref_id FROM vehicle.occupancies a JOIN vehicle.occupancies b \
              ON a.vehicle_id = b.vehicle_id AND a.ref_id < b.ref_id AND a.period && b.period",
    },
    Rule {
        name: "every confirmed booking is paid",
        sql: "SELECT b.id::text FROM booking.bookings b LEFT JOIN payment.payments p ON p.booking_id = b.id \
              WHERE (b.status IN ('active', 'completed') OR b.status = 'approved' AND b.confirmed_at IS NOT NULL) \
              AND (b.payment_status <> 'paid' OR p.state IS DISTINCT FROM 'completed')",
    },
    Rule {
        name: "booking and payment have matching states",
        sql: "SELECT b.id || ': ' || b.status || ' ' || b.payment_status || ', payment ' || coalesce(p.state, 'none') \
              FROM booking.bookings b LEFT JOIN payment.payments p ON p.booking_id = b.id \
              WHERE NOT CASE \
                WHEN p.state IS NULL THEN b.payment_status = 'none' OR b.status = 'cancelled' AND b.payment_status = 'pending' \
                WHEN p.state = 'requested' THEN b.payment_status = 'pending' \
                WHEN p.state = 'failed' THEN b.status = 'cancelled' AND b.payment_status IN ('failed', 'pending') \
                WHEN p.state = 'completed' THEN b.payment_status = 'paid' \
                WHEN p.state = 'refunded' THEN b.status = 'cancelled' AND b.payment_status = 'refunded' \
                ELSE false END",
    },
    Rule {
        name: "every payment has its booking's guest, host and price",
        sql: "SELECT p.id::text FROM payment.payments p LEFT JOIN booking.bookings b ON b.id = p.booking_id \
              WHERE (b.guest_id, b.host_id, b.total_krw) IS DISTINCT FROM (p.guest_id, p.host_id, p.amount_krw)",
    },
    Rule {
        name: "every cancelled booking is refunded as its policy says",
        sql: "SELECT b.id || ': ' || b.refund_krw || ' owed, ' || p.refunded_krw || ' given back' \
              FROM booking.bookings b JOIN payment.payments p ON p.booking_id = b.id \
              WHERE b.status = 'cancelled' AND p.state IN ('completed', 'refunded') \
              AND b.cancellation_reason <> 'payment_failed' AND p.refunded_krw <> b.refund_krw",
    },
    Rule {
        name: "ledger: captured - refunded = fee + host share, and all entries sum to zero",
        sql: "SELECT 'retained_krw ' || retained_krw || ', shared ' || shared || ', sum ' || total FROM \
              (SELECT coalesce(sum(amount_krw - refunded_krw), 0) AS retained_krw FROM payment.payments WHERE paid_at IS NOT NULL) k, \
              (SELECT coalesce(-sum(e.amount_krw) FILTER (WHERE a.code <> 'provider_clearing'), 0) AS shared, \
                      coalesce(sum(e.amount_krw), 0) AS total \
               FROM payment.ledger_entries e JOIN payment.ledger_accounts a ON a.id = e.account_id) l \
              WHERE retained_krw <> shared OR total <> 0",
    },
    Rule {
        name: "every booking has a complete status history",
        sql: "SELECT b.id::text FROM booking.bookings b LEFT JOIN booking.status_history h ON h.booking_id = b.id \
              GROUP BY b.id HAVING count(h.*) <> b.version",
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
        sql: "SELECT name || ' ' || key FROM \
              (SELECT name, key FROM booking.outbox UNION ALL SELECT name, key FROM payment.outbox) o \
              WHERE name <> 'payment.refunded' GROUP BY name, key HAVING count(*) > 1",
    },
    Rule {
        name: "no notification is repeated",
        sql: "SELECT user_id || ' ' || kind || ' ' || (data->>'booking_id') FROM notification.notifications \
              WHERE data ? 'booking_id' GROUP BY user_id, kind, data->>'booking_id' HAVING count(*) > 1",
    },
];
