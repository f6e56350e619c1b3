//! Processes that start before PostgreSQL and Redis.

use super::kill::{ALL_SERVICES, Kill, options};
use crate::harness::Setup;

#[tokio::test(flavor = "multi_thread")]
async fn processes_started_before_their_servers_wait_and_continue() {
    let (mut setup, _folder) = Setup::fleet_on_own_servers(options()).await;
    let booking = setup.request_booking().await;
    let parts = setup.mesh.dependencies();
    let (postgres, redis) = (
        parts.postgres().expect("its own PostgreSQL"),
        parts.redis().expect("its own Redis"),
    );
    postgres.kill().await.expect("a kill");
    redis.kill().await.expect("a kill");
    Kill::all(&ALL_SERVICES).run(&mut setup.mesh, &[]);
    // A gateway is ready when every service has answered it, in whatever state.
    setup.mesh.ready().await.expect("all processes run");

    let parts = setup.mesh.dependencies();
    let (postgres, redis) = (parts.postgres(), parts.redis());
    redis.expect("its own Redis").restart().await.expect("a start");
    postgres
        .expect("its own PostgreSQL")
        .restart()
        .await
        .expect("a start");
    setup.approve_booking(&booking).await;
    setup.complete_journey(booking).await;
}
