//! One blocked key does not delay other keys.

use std::time::Duration;

use tokio::time::timeout;

use super::fleet;
use crate::harness::Guest;

/// Well below the lock timeout, which is how long a worker that waits for the locked row is busy.
const LIMIT: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread")]
async fn locked_booking_does_not_delay_other_bookings() {
    let (_servers, setup) = fleet(&[
        ("BOOKING__DATABASE__LOCK_TIMEOUT_MS", "25000"),
        ("BOOKING__DATABASE__STATEMENT_TIMEOUT_MS", "28000"),
    ])
    .await;
    let guest = Guest::with_card(&setup.mesh).await;
    let locked = setup.approved().await;
    let lock = setup.sql.lock_booking(&locked).await;
    let mut others = Vec::new();
    for _ in 0..5 {
        let slot = crate::harness::next_slot(carshare_chassis::Clock::system().now());
        let id = guest.request(&setup.car, slot).await;
        setup.host.approve(&id).await.ok(200);
        others.push(id);
    }
    let confirmed = async {
        for id in &others {
            guest.confirmed(id).await;
        }
    };
    timeout(LIMIT, confirmed)
        .await
        .expect("other bookings are confirmed");
    lock.rollback().await.expect("a rollback");
    setup.guest.confirmed(&locked).await;
    setup.assert_consistent().await;
}
