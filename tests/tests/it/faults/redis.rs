//! Redis is killed, or loses everything: people notice nothing but that news comes later, and no event is lost or doubled.

use carshare_mesh::Options;
use carshare_testkit::{eventually, eventually_true};
use serde_json::{Value, json};

use super::setup::Scene;
use crate::harness::{Guest, Slot, TIMEOUT, next_slot};

const UNSENT: &str = "SELECT (SELECT count(*) FROM booking.outbox WHERE sent_at IS NULL)";

#[tokio::test(flavor = "multi_thread")]
async fn events_flow_again_after_redis_was_killed_and_started() {
    let (scene, _folder) = Scene::on_own_servers().await;
    let before = scene.requested().await;
    let redis = scene.mesh.dependencies().redis().expect("a Redis of our own");
    redis.kill().await.expect("it is killed");

    // What people do is answered all the same; only the others do not hear of it yet.
    scene.host.approve(&before).await.ok(200);
    let meanwhile = scene.requested().await;
    assert!(scene.sql.count(UNSENT).await >= 2);
    assert_eq!(scene.guest.booking(&before).await["payment_status"], "pending");

    redis.restart().await.expect("it starts");
    scene.guest.confirmed(&before).await;
    scene.host.approve(&meanwhile).await.ok(200);
    scene.guest.confirmed(&meanwhile).await;
    everybody_hears_once(&scene, &before).await;
    scene.ends_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_lost_everything_gets_the_events_again_and_nothing_happens_twice() {
    let (scene, _folder) = Scene::on_own_servers().await;
    let id = scene.confirmed().await;
    scene.ends_well().await;
    let url = scene.mesh.dependencies().redis_url();
    let client = redis::Client::open(url).expect("a URL");
    let mut connection = client
        .get_multiplexed_async_connection()
        .await
        .expect("a connection");
    redis::cmd("FLUSHALL")
        .query_async::<()>(&mut connection)
        .await
        .expect("it forgets");

    scene.guest.cancel(&id).await.ok(200);
    scene.refunded(&id).await;
    everybody_hears_once(&scene, &id).await;
    scene.ends_well().await;
    assert_eq!(scene.mesh.sandbox().payments().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_booking_whose_hold_ended_while_redis_was_away_gets_its_car_back_if_nobody_else_has_it() {
    let options = Options::temporary().with_env("VEHICLE__HOLDS__TTL_MS", "1500");
    let (scene, _folder) = Scene::on_own_servers_with(options).await;
    let other = Guest::with_card(&scene.mesh).await;
    let (contested, quiet) = (next_slot(scene.mesh.now()), next_slot(scene.mesh.now()));
    let redis = scene.mesh.dependencies().redis().expect("a Redis of our own");
    redis.kill().await.expect("it is killed");

    let first = scene.guest.book(&scene.car, contested).await.ok(201);
    let alone = scene.guest.book(&scene.car, quiet).await.ok(201);
    // Vehicle does not hear of either booking, and their holds end.
    let second = as_soon_as_free(&scene, &other, contested).await;
    eventually_true(TIMEOUT, || scene.guest.finds(&scene.car, quiet)).await;
    redis.restart().await.expect("it starts");

    let id = |booking: &Value| booking["id"].as_str().expect("an id").to_owned();
    let lost = scene
        .guest
        .booking_when(&id(&first), |booking| booking["status"] == "cancelled")
        .await;
    assert_eq!(lost["cancellation"]["reason"], "hold_lost");
    scene.host.approve(&id(&second)).await.ok(200);
    other.confirmed(&id(&second)).await;
    scene.host.approve(&id(&alone)).await.ok(200);
    scene.guest.confirmed(&id(&alone)).await;
    assert!(!other.finds(&scene.car, quiet).await, "it has its car again");
    scene.ends_well().await;
    let told = scene.sql.told(&scene.guest.id, &id(&first)).await;
    assert_eq!(told, ["booking.cancelled"]);
}

/// The booking of a slot that somebody else holds, but not for long.
async fn as_soon_as_free(scene: &Scene, guest: &Guest, slot: Slot) -> Value {
    eventually(TIMEOUT, || async {
        let answer = guest.book(&scene.car, slot).await;
        if answer.status == 409 {
            assert_eq!(answer.refused(409, "BOOKING002")["reason"], json!("SLOT_TAKEN"));
            return None;
        }
        Some(answer.ok(201))
    })
    .await
}

/// The host has one message about the request and one about its confirmation.
async fn everybody_hears_once(scene: &Scene, id: &str) {
    let told = || async {
        let kinds = scene.sql.told(&scene.host.id, id).await;
        let times = |wanted: &str| kinds.iter().filter(|kind| *kind == wanted).count();
        (times("booking.requested"), times("booking.confirmed"))
    };
    eventually_true(TIMEOUT, || async { told().await == (1, 1) }).await;
}
