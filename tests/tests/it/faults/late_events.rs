//! Events that arrive long after what they are about.

use carshare_testkit::eventually_true;

use crate::harness::{Setup, TIMEOUT, next_slot};

/// Publishes every request of a booking again, as its newest event, when its end is older than any retention.
const REPEAT_REQUESTS: &str = "
    UPDATE vehicle.released_bookings SET released_at = now() - interval '10 years';
    DELETE FROM vehicle.inbox WHERE source = 'booking';
    WITH repeated AS (
      UPDATE booking.event_sequences s SET last_seq = last_seq + 1 FROM booking.outbox o
      WHERE o.key = s.key AND o.name = 'booking.requested' RETURNING s.key, s.last_seq, o.name, o.data)
    INSERT INTO booking.outbox (id, name, key, key_seq, occurred_at, correlation_id, data)
      SELECT gen_random_uuid(), name, key, last_seq, now(), 'test', data FROM repeated;";

/// Keys of booking whose last event vehicle has not handled.
const UNHANDLED: &str = "SELECT count(*) FROM booking.event_sequences s LEFT JOIN vehicle.inbox_cursors c \
    ON c.source = 'booking' AND c.key = s.key WHERE coalesce(c.handled_seq, 0) < s.last_seq";

#[tokio::test(flavor = "multi_thread")]
async fn request_of_a_released_booking_takes_no_car_years_later() {
    let setup = Setup::start().await;
    let slot = next_slot(setup.mesh.now());
    let cancelled = setup.guest.request(&setup.car, slot).await;
    setup.guest.cancel(&cancelled).await.ok(200);
    setup.assert_consistent().await;

    setup.sql.execute(REPEAT_REQUESTS).await;
    eventually_true(TIMEOUT, || async { setup.sql.count(UNHANDLED).await == 0 }).await;
    assert!(setup.guest.finds(&setup.car, slot).await, "the car is free");
    setup.guest.book(&setup.car, slot).await.ok(201);
}
