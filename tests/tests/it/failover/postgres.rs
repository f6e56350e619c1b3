//! PostgreSQL restarts, loses sessions, takes no writes, holds locks or has a full disk.

use std::time::Duration;

use carshare_mesh::Fleet;
use carshare_testkit::eventually_true;
use rstest::rstest;
use serde_json::json;

use super::{fleet, restart};
use crate::harness::{BOOKINGS, Deployment as _, Servers, TIMEOUT, fault_lasts, id, next_slot};

/// Events whose attempts were counted, and dead letters.
const FAILED_EVENTS: &str = "SELECT name || ': ' || error FROM \
    (SELECT * FROM booking.inbox UNION ALL SELECT * FROM payment.inbox UNION ALL SELECT * FROM vehicle.inbox \
     UNION ALL SELECT * FROM notification.inbox) i WHERE attempts > 0 OR dead_at IS NOT NULL";

#[derive(Clone, Copy, Debug)]
enum Fault {
    ImmediateRestart,
    FastRestart,
    /// Some sessions end and others stay, so the replicas of a service see different faults.
    TerminatedSessions,
}

impl Fault {
    async fn inject(self, servers: &Servers) {
        match self {
            Self::ImmediateRestart => servers.restart_postgres_immediately().await,
            Self::FastRestart => servers.postgres.restart().await.expect("a restart"),
            Self::TerminatedSessions => servers.terminate_sessions(12).await.expect("a session"),
        }
    }
}

#[rstest]
#[case::immediate_restart(Fault::ImmediateRestart)]
#[case::fast_restart(Fault::FastRestart)]
#[case::terminated_sessions(Fault::TerminatedSessions)]
#[tokio::test(flavor = "multi_thread")]
async fn approvals_are_paid_after(#[case] fault: Fault) {
    let (servers, setup) = fleet(&[]).await;
    let mut bookings = vec![setup.confirmed().await];
    for _ in 0..3 {
        let requested = setup.requested().await;
        fault.inject(&servers).await;
        setup.host.approve(&requested).await.ok(200);
        bookings.extend([requested, setup.approved().await, setup.approved().await]);
    }
    for id in &bookings {
        setup.guest.confirmed(id).await;
    }
    setup.assert_consistent().await;
    assert_eq!(setup.mesh.sandbox().payments().len(), bookings.len());
}

/// Readiness of every process of a service with a database, as `/readyz` answers; 0 of one that does not listen yet.
async fn readiness(fleet: &Fleet) -> Vec<u16> {
    let mut statuses = Vec::new();
    for replica in fleet.replicas() {
        if replica.service != "gateway" {
            let admin = fleet.admin(replica).expect("a URL");
            let response = reqwest::get(format!("{admin}/readyz")).await;
            statuses.push(response.map_or(0, |response| response.status().as_u16()));
        }
    }
    statuses
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_are_503_and_events_wait_while_postgres_is_read_only() {
    let (servers, mut setup) = fleet(&[]).await;
    let (approved, requested) = (setup.requested().await, setup.requested().await);
    let payment = setup.mesh.replicas_of("payment");
    for replica in &payment {
        setup.mesh.kill(*replica).expect("it runs");
    }
    setup.host.approve(&approved).await.ok(200);
    servers.set_read_only(true).await.expect("a session");
    for replica in payment {
        setup.mesh.spawn(replica).expect("it starts");
    }

    eventually_true(TIMEOUT, || async {
        readiness(&setup.mesh).await.iter().all(|status| *status == 503)
    })
    .await;
    let path = format!("/v1/bookings/{requested}/approve");
    for _ in 0..20 {
        let response = setup.host.rest.put(&path, &json!({})).await;
        assert!(response.headers.contains_key("retry-after"));
        response.expect_error(503, "COMMON005");
    }
    fault_lasts(Duration::from_secs(5)).await;
    assert_eq!(setup.sql.texts(FAILED_EVENTS).await, Vec::<String>::new());
    assert!(setup.mesh.sandbox().payments().is_empty());

    servers.set_read_only(false).await.expect("a session");
    setup.host.approve(&requested).await.ok(200);
    for id in [&approved, &requested] {
        setup.guest.confirmed(id).await;
    }
    eventually_true(TIMEOUT, || async {
        readiness(&setup.mesh).await.iter().all(|status| *status == 200)
    })
    .await;
    setup.assert_consistent().await;
}

/// Rows still fit into pages that the tables have; the first that needs another page fails.
#[tokio::test(flavor = "multi_thread")]
async fn writes_are_503_and_events_wait_while_the_disk_is_full() {
    let (servers, setup) = fleet(&[("BOOKING__BOOKING__MAX_OPEN_REQUESTS", "1000")]).await;
    servers.fill_disk().await.expect("a session");
    let (mut accepted, mut unavailable) = (Vec::new(), 0);
    while unavailable < 3 {
        assert!(accepted.len() < 100, "the disk is not full");
        let mut request = next_slot(setup.mesh.now()).json();
        request["vehicle_id"] = json!(setup.car);
        let response = setup.guest.rest.post("/v1/bookings", &request).await;
        if response.status == 201 {
            accepted.push(id(&response.body));
        } else {
            response.expect_error(503, "COMMON005");
            unavailable += 1;
        }
    }
    fault_lasts(Duration::from_secs(5)).await;
    assert_eq!(setup.sql.texts(FAILED_EVENTS).await, Vec::<String>::new());

    servers.free_disk().await.expect("a session");
    accepted.push(setup.requested().await);
    for id in &accepted {
        setup.host.approve(id).await.ok(200);
        setup.guest.confirmed(id).await;
    }
    setup.assert_consistent().await;
    assert_eq!(setup.mesh.sandbox().payments().len(), accepted.len());
}

/// The lock outlasts many lock timeouts, so attempts that counted would be exhausted.
#[tokio::test(flavor = "multi_thread")]
async fn locked_table_delays_events_without_counting_attempts() {
    let (_servers, mut setup) = fleet(&[
        ("BOOKING__DATABASE__LOCK_TIMEOUT_MS", "200"),
        ("BOOKING__DATABASE__STATEMENT_TIMEOUT_MS", "400"),
    ])
    .await;
    let id = setup.requested().await;
    let booking = setup.mesh.replicas_of("booking");
    setup.host.approve(&id).await.ok(200);
    let lock = setup.sql.lock_table(BOOKINGS).await;
    restart(&mut setup, &booking);
    eventually_true(TIMEOUT, || async { !setup.mesh.sandbox().payments().is_empty() }).await;
    eventually_true(TIMEOUT, || async { !lock.waiters().await.is_empty() }).await;
    fault_lasts(Duration::from_secs(10)).await;
    assert_eq!(setup.sql.texts(FAILED_EVENTS).await, Vec::<String>::new());
    lock.release().await;
    setup.guest.confirmed(&id).await;
    setup.assert_consistent().await;
}
