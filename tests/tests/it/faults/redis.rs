//! Redis is killed, or loses everything: people notice nothing but that news comes later, and no event is lost or doubled.

use carshare_mesh::Options;
use carshare_testkit::{eventually, eventually_true};
use serde_json::{Value, json};

use crate::harness::{Guest, Setup, Slot, TIMEOUT, next_slot};

const UNSENT: &str = "SELECT (SELECT count(*) FROM booking.outbox WHERE sent_at IS NULL)";

#[tokio::test(flavor = "multi_thread")]
async fn events_flow_again_after_redis_was_killed_and_started() {
    let (setup, _folder) = Setup::on_own_servers(Options::temporary()).await;
    let before = setup.requested().await;
    let redis = setup.mesh.dependencies().redis().expect("a Redis of our own");
    redis.kill().await.expect("it is killed");

    // What people do is answered all the same; only the others do not hear of it yet.
    setup.host.approve(&before).await.ok(200);
    let meanwhile = setup.requested().await;
    assert!(setup.sql.count(UNSENT).await >= 2);
    assert_eq!(setup.guest.booking(&before).await["payment_status"], "pending");

    redis.restart().await.expect("it starts");
    setup.guest.confirmed(&before).await;
    setup.host.approve(&meanwhile).await.ok(200);
    setup.guest.confirmed(&meanwhile).await;
    assert_host_notified_once(&setup, &before).await;
    setup.assert_consistent().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_lost_everything_gets_the_events_again_and_nothing_happens_twice() {
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
        .expect("it forgets");

    setup.guest.cancel(&id).await.ok(200);
    setup.refunded(&id).await;
    assert_host_notified_once(&setup, &id).await;
    setup.assert_consistent().await;
    assert_eq!(setup.mesh.sandbox().payments().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_booking_whose_hold_ended_while_redis_was_away_gets_its_car_back_if_nobody_else_has_it() {
    let options = Options::temporary().with_env("VEHICLE__HOLDS__TTL_MS", "1500");
    let (setup, _folder) = Setup::on_own_servers(options).await;
    let other = Guest::with_card(&setup.mesh).await;
    let (contested, quiet) = (next_slot(setup.mesh.now()), next_slot(setup.mesh.now()));
    let redis = setup.mesh.dependencies().redis().expect("a Redis of our own");
    redis.kill().await.expect("it is killed");

    let first = setup.guest.book(&setup.car, contested).await.ok(201);
    let alone = setup.guest.book(&setup.car, quiet).await.ok(201);
    // Vehicle does not hear of either booking, and their holds end.
    let second = as_soon_as_free(&setup, &other, contested).await;
    eventually_true(TIMEOUT, || setup.guest.finds(&setup.car, quiet)).await;
    redis.restart().await.expect("it starts");

    let id = |booking: &Value| booking["id"].as_str().expect("an id").to_owned();
    let lost = setup
        .guest
        .wait_for_booking(&id(&first), |booking| booking["status"] == "cancelled")
        .await;
    assert_eq!(lost["cancellation"]["reason"], "hold_lost");
    setup.host.approve(&id(&second)).await.ok(200);
    other.confirmed(&id(&second)).await;
    setup.host.approve(&id(&alone)).await.ok(200);
    setup.guest.confirmed(&id(&alone)).await;
    assert!(!other.finds(&setup.car, quiet).await, "it has its car again");
    setup.assert_consistent().await;
    let kinds = setup.sql.notification_kinds(&setup.guest.id, &id(&first)).await;
    assert_eq!(kinds, ["booking.cancelled"]);
}

/// The booking of a slot that somebody else holds, but not for long.
async fn as_soon_as_free(setup: &Setup, guest: &Guest, slot: Slot) -> Value {
    eventually(TIMEOUT, || async {
        let answer = guest.book(&setup.car, slot).await;
        if answer.status == 409 {
            assert_eq!(
                answer.expect_error(409, "BOOKING002")["reason"],
                json!("SLOT_TAKEN")
            );
            return None;
        }
        Some(answer.ok(201))
    })
    .await
}

/// The host has one message about the request and one about its confirmation.
async fn assert_host_notified_once(setup: &Setup, id: &str) {
    let counts = || async {
        let kinds = setup.sql.notification_kinds(&setup.host.id, id).await;
        let times = |wanted: &str| kinds.iter().filter(|kind| *kind == wanted).count();
        (times("booking.requested"), times("booking.confirmed"))
    };
    eventually_true(TIMEOUT, || async { counts().await == (1, 1) }).await;
}
