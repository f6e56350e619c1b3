//! Power is back, and the services are faster than their servers.

use super::setup::{EVERYBODY, Setup};

#[tokio::test(flavor = "multi_thread")]
async fn services_that_start_before_their_servers_wait_for_them_and_go_on() {
    let (mut stage, _folder) = Setup::on_own_servers().await;
    let booking = stage.request().await;
    let parts = stage.fleet.dependencies();
    let (postgres, redis) = (
        parts.postgres().expect("a PostgreSQL of our own"),
        parts.redis().expect("a Redis of our own"),
    );
    postgres.kill().await.expect("it is killed");
    redis.kill().await.expect("it is killed");
    stage.die(&EVERYBODY);
    // The gateway is ready when every service has answered it, in whatever state.
    stage.fleet.ready().await.expect("all of them run");

    let parts = stage.fleet.dependencies();
    parts
        .redis()
        .expect("a Redis of our own")
        .restart()
        .await
        .expect("it starts");
    parts
        .postgres()
        .expect("a PostgreSQL of our own")
        .restart()
        .await
        .expect("it starts");
    stage.approval(&booking).await;
    stage.finish(booking).await;
}
