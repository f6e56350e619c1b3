//! Replicas that hang (SIGSTOP) with their connections and locks.

use carshare_mesh::{Fleet, Replica};
use carshare_sandbox::{Fault, Provider};
use carshare_testkit::eventually_true;

use super::fleet;
use crate::harness::{BOOKINGS, Setup, TIMEOUT};

const SERVICES: [&str; 5] = ["auth", "vehicle", "booking", "payment", "notification"];

/// One replica of each service.
fn replicas(number: usize) -> [Replica; 5] {
    SERVICES.map(|service| Replica { service, number })
}

#[tokio::test(flavor = "multi_thread")]
async fn journeys_complete_while_one_replica_of_each_service_is_suspended() {
    let (_servers, mut setup) = fleet(&[]).await;
    for number in [0, 1] {
        let before = setup.approved().await;
        for replica in replicas(number) {
            setup.mesh.suspend(replica).expect("it runs");
        }
        let meanwhile = setup.approved().await;
        for id in [&before, &meanwhile] {
            setup.guest.confirmed(id).await;
        }
        setup.guest.cancel(&meanwhile).await.ok(200);
        setup.refunded(&meanwhile).await;
        for replica in replicas(number) {
            setup.mesh.resume(replica).expect("it runs");
        }
        setup.assert_consistent().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn replica_suspended_in_a_transaction_loses_its_locks() {
    let (_servers, mut setup) = fleet(&[]).await;
    let id = setup.requested().await;
    let sandbox = setup.mesh.sandbox();
    sandbox.inject(Fault::delay(Provider::Toss, "/v1/billing/bsbx", 1_000));
    setup.host.approve(&id).await.ok(200);
    let lock = setup.sql.lock_table(BOOKINGS).await;
    eventually_true(TIMEOUT, || async { !lock.waiters().await.is_empty() }).await;
    let busy = lock.waiters().await;
    let suspended = busy_replicas(&setup, &busy);
    for replica in &suspended {
        setup.mesh.suspend(*replica).expect("it runs");
    }
    // Its transaction has the locks now and does not go on.
    lock.release().await;
    setup.guest.confirmed(&id).await;
    for replica in suspended {
        setup.mesh.resume(replica).expect("it runs");
    }
    setup.assert_consistent().await;
}

/// The first replica that waits for the lock.
fn busy_replicas(setup: &Setup<Fleet>, busy: &[String]) -> Vec<Replica> {
    let replicas = setup.mesh.replicas_of("booking").into_iter();
    replicas
        .filter(|replica| busy.contains(&replica.to_string()))
        .take(1)
        .collect()
}
