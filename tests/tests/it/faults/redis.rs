//! Redis is killed, or loses its data: calls succeed, events arrive later, none is lost or applied twice.

use carshare_mesh::Options;
use carshare_testkit::eventually_true;
use serde_json::json;

use crate::harness::{Guest, Setup, TIMEOUT, next_slot};

const UNSENT: &str = "SELECT (SELECT count(*) FROM booking.outbox WHERE position IS NULL)";

#[tokio::test(flavor = "multi_thread")]
async fn events_continue_after_redis_is_killed_and_restarted() {
    let (setup, _folder) = Setup::on_own_servers(Options::temporary()).await;
    let before = setup.requested().await;
    let redis = setup.mesh.dependencies().redis().expect("its own Redis");
    redis.kill().await.expect("a kill");

    // Calls succeed; their events wait in the outbox.
    setup.host.approve(&before).await.ok(200);
    let meanwhile = setup.requested().await;
    assert!(setup.sql.count(UNSENT).await >= 2);
    assert_eq!(setup.guest.booking(&before).await["payment_status"], "pending");

    redis.restart().await.expect("a start");
    setup.guest.confirmed(&before).await;
    setup.host.approve(&meanwhile).await.ok(200);
    setup.guest.confirmed(&meanwhile).await;
    assert_host_notified_once(&setup, &before).await;
    setup.assert_consistent().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn emptied_redis_loses_no_event_and_repeats_none() {
    let (setup, _folder) = Setup::on_own_servers(Options::temporary()).await;
    let id = setup.confirmed().await;
    setup.assert_consistent().await;
    let url = setup.mesh.dependencies().redis_url();
    let client = redis::Client::open(url).expect("a URL");
    let mut connection = client
        .get_multiplexed_async_connection()
        .await
        .expect("a connection");
    redis::cmd("FLUSHALL")
        .query_async::<()>(&mut connection)
        .await
        .expect("an emptied Redis");

    setup.guest.cancel(&id).await.ok(200);
    setup.refunded(&id).await;
    assert_host_notified_once(&setup, &id).await;
    setup.assert_consistent().await;
    assert_eq!(setup.mesh.sandbox().payments().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn expired_hold_of_a_pending_booking_is_renewed_and_its_slot_is_not_sold() {
    let options = Options::temporary().with_env("VEHICLE__HOLDS__TTL_MS", "1500");
    let (setup, _folder) = Setup::on_own_servers(options).await;
    let other = Guest::with_card(&setup.mesh).await;
    let slot = next_slot(setup.mesh.now());
    let redis = setup.mesh.dependencies().redis().expect("its own Redis");
    redis.kill().await.expect("a kill");

    let booking = setup.guest.book(&setup.car, slot).await.ok(201);
    let id = booking["id"].as_str().expect("an id");
    // Vehicle does not have the event, and the hold expires.
    eventually_true(TIMEOUT, || setup.guest.finds(&setup.car, slot)).await;
    let second = other.book(&setup.car, slot).await;
    assert_eq!(
        second.expect_error(409, "BOOKING002")["reason"],
        json!("SLOT_TAKEN")
    );
    redis.restart().await.expect("a start");

    setup.host.approve(id).await.ok(200);
    setup.guest.confirmed(id).await;
    assert!(!other.finds(&setup.car, slot).await, "the car is booked");
    setup.assert_consistent().await;
}

/// Waits until the host has one notification of the request and one of the confirmation.
async fn assert_host_notified_once(setup: &Setup, id: &str) {
    let counts = || async {
        let kinds = setup.sql.notification_kinds(&setup.host.id, id).await;
        let times = |wanted: &str| kinds.iter().filter(|kind| *kind == wanted).count();
        (times("booking.requested"), times("booking.confirmed"))
    };
    eventually_true(TIMEOUT, || async { counts().await == (1, 1) }).await;
}
