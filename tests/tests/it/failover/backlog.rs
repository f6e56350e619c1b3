//! A consumer that is behind for longer than a hold lives.

use std::time::Duration;

use super::fleet;
use crate::harness::{Deployment as _, Guest, fault_lasts, next_slot};

#[tokio::test(flavor = "multi_thread")]
async fn car_is_not_sold_twice_when_vehicle_is_behind_for_longer_than_a_hold() {
    let (_servers, mut setup) = fleet(&[("VEHICLE__HOLDS__TTL_MS", "1500")]).await;
    let other = Guest::with_card(&setup.mesh).await;
    let vehicle = setup.mesh.replicas_of("vehicle");
    for replica in &vehicle {
        setup.mesh.kill(*replica).expect("it runs");
        let served = setup.mesh.spawn_with(*replica, &["--no-worker"], &[]);
        served.expect("it starts");
    }
    let slot = next_slot(setup.mesh.now());
    let first = setup.guest.request(&setup.car, slot).await;
    fault_lasts(Duration::from_secs(3)).await;
    other.book(&setup.car, slot).await.expect_error(409, "BOOKING002");
    setup.host.approve(&first).await.ok(200);
    setup.guest.confirmed(&first).await;
    fault_lasts(Duration::from_secs(3)).await;
    other.book(&setup.car, slot).await.expect_error(409, "BOOKING002");

    for replica in vehicle {
        setup.mesh.restart(replica).expect("it runs");
    }
    setup.assert_consistent().await;
    other.book(&setup.car, slot).await.expect_error(409, "BOOKING002");
    assert_eq!(setup.mesh.sandbox().payments().len(), 1);
}
