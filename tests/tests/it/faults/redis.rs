//! Redis is killed, or loses its data: calls succeed, events arrive, none is lost or applied twice.

use carshare_mesh::Options;
use carshare_testkit::eventually_true;

use crate::harness::{Setup, TIMEOUT};

#[tokio::test(flavor = "multi_thread")]
async fn events_continue_after_redis_is_killed_and_restarted() {
    let (setup, _folder) = Setup::on_own_servers(Options::temporary()).await;
    let before = setup.requested().await;
    let redis = setup.mesh.dependencies().redis().expect("its own Redis");
    redis.kill().await.expect("a kill");

    // Calls succeed, and their events are read from the logs.
    setup.host.approve(&before).await.ok(200);
    let meanwhile = setup.requested().await;
    setup.guest.confirmed(&before).await;

    redis.restart().await.expect("a start");
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

/// Waits until the host has one notification of the request and one of the confirmation.
async fn assert_host_notified_once(setup: &Setup, id: &str) {
    let counts = || async {
        let kinds = setup.sql.notification_kinds(&setup.host.id, id).await;
        let times = |wanted: &str| kinds.iter().filter(|kind| *kind == wanted).count();
        (times("booking.requested"), times("booking.confirmed"))
    };
    eventually_true(TIMEOUT, || async { counts().await == (1, 1) }).await;
}
