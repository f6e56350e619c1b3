//! Redis is killed, or loses everything: people notice nothing but that news comes later, and no event is lost or doubled.

use carshare_testkit::eventually_true;

use super::scene::Scene;
use crate::support::PATIENCE;

const UNSENT: &str = "SELECT (SELECT count(*) FROM booking.outbox WHERE sent_at IS NULL)";

#[tokio::test(flavor = "multi_thread")]
async fn events_flow_again_after_redis_was_killed_and_started() {
    let (scene, _folder) = Scene::on_own_servers().await;
    let before = scene.requested().await;
    let redis = scene.mesh.parts().redis().expect("a Redis of our own");
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
    let url = scene.mesh.parts().redis_url();
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

/// The host has one message about the request and one about its confirmation.
async fn everybody_hears_once(scene: &Scene, id: &str) {
    let told = || async {
        let kinds = scene.sql.told(&scene.host.id, id).await;
        let times = |wanted: &str| kinds.iter().filter(|kind| *kind == wanted).count();
        (times("booking.requested"), times("booking.confirmed"))
    };
    eventually_true(PATIENCE, || async { told().await == (1, 1) }).await;
}
